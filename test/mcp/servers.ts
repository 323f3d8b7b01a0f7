// Real MCP servers for tests, each in a process of its own: the official everything server of the sessions era, and one
// of the stateless era on the official SDK.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { until } from "../support/until.ts";

export const ENGINES = join(import.meta.dirname, "../engines/node_modules");
const EVERYTHING = join(ENGINES, "@modelcontextprotocol/server-everything/dist/index.js");

export interface RunningServer {
  /** Its MCP endpoint. */
  readonly url: string;
  readonly child: ChildProcess;
}

/** `@modelcontextprotocol/server-everything` over streamable HTTP. */
export async function startEverything(t: { after: TestContext["after"] }): Promise<RunningServer> {
  const port = await freePort();
  const child = spawn(process.execPath, [EVERYTHING, "streamableHttp"], {
    env: { ...process.env, PORT: String(port) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  return running(t, child, `http://127.0.0.1:${port}/mcp`, "listening on port");
}

/** The command line of the everything server over stdio. */
export const EVERYTHING_STDIO = [process.execPath, EVERYTHING, "stdio"] as const;

/** The command line of a server of both eras over stdio. */
export const SDK_STDIO = [process.execPath, join(import.meta.dirname, "sdk-server.mjs"), "stdio"] as const;

/** A server of both eras, or of one, on `@modelcontextprotocol/server` 2.x; see sdk-server.mjs. */
export async function startSdkServer(
  t: { after: TestContext["after"] },
  era: "stateless" | "both",
): Promise<RunningServer> {
  const port = await freePort();
  const child = spawn(process.execPath, [join(import.meta.dirname, "sdk-server.mjs"), era, String(port)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  return running(t, child, `http://127.0.0.1:${port}/mcp`, "listening");
}

/** A server of the sessions era on `@modelcontextprotocol/sdk` 1.x; see conformance-server.mjs. */
export async function startConformanceServer(t: { after: TestContext["after"] }): Promise<RunningServer> {
  const port = await freePort();
  const script = join(import.meta.dirname, "conformance-server.mjs");
  const child = spawn(process.execPath, [script, String(port)], { stdio: ["ignore", "ignore", "pipe"] });
  return running(t, child, `http://127.0.0.1:${port}/mcp`, "listening");
}

async function running(
  t: { after: TestContext["after"] },
  child: ChildProcess,
  url: string,
  ready: string,
): Promise<RunningServer> {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  await until(() => {
    if (child.exitCode !== null) throw new Error(`the server has ended: ${said}`);
    return said.includes(ready);
  }, 60_000);
  return { url, child };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
