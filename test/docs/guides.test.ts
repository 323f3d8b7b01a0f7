// The code of the guides, run from their pages: as it stands there, but for ports and addresses.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/config/load-config.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { API_KEY, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

const guides = fileURLToPath(new URL("../../docs/guides/", import.meta.url));
const HOOKS = new URL("packages-for-guides.mjs", import.meta.url).href;
const ROOT = new URL("../../", import.meta.url).href;

function blocksOf(guide: string, language: string): string[] {
  const page = readFileSync(join(guides, guide), "utf8");
  return [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map(([, code = ""]) => code);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Starts the code in a folder of its own. */
function started(code: string, folder: string, gateway = ""): ChildProcess {
  const file = join(folder, "code.ts");
  // Guides for those who extend Daybook speak of its own files.
  writeFileSync(file, code.replaceAll('"../../', `"${ROOT}`).replaceAll("http://127.0.0.1:4141", gateway));
  const args = ["--conditions=daybook-source", "--import", HOOKS, file];
  const env = { ...process.env, OPENAI_API_KEY: API_KEY, DAYBOOK_API_KEY: API_KEY };
  return spawn(process.execPath, args, { cwd: folder, env, stdio: ["pipe", "pipe", "pipe"] });
}

/** Runs it to its end; what it printed. */
async function ran(child: ChildProcess): Promise<string> {
  const [out, err] = [
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
  ];
  const [code] = await once(child, "exit");
  assert.equal(code, 0, await err);
  return out;
}

async function eventsIn(folder: string): Promise<string[]> {
  try {
    const store = await openStore(`sqlite:${join(folder, "data", "events.db")}`, "read");
    const { events } = await store.query({ where: {}, limit: 100 });
    await store.close();
    return events
      .reverse()
      .map((e) =>
        [e.kind, e.action, e.endpoint ?? e.name ?? "", e.user_id ?? "", e.status]
          .join(" ")
          .replace(/ +/g, " "),
      );
  } catch {
    return [];
  }
}

/** A service of a guide, asked for some paths, and what it has recorded then. */
async function served(code: string, paths: readonly string[]): Promise<string[]> {
  const folder = tempFolder();
  const port = await freePort();
  const child = started(code.replaceAll("3000", String(port)), folder);
  const failed = text(child.stderr as NodeJS.ReadableStream);
  after(() => child.kill("SIGKILL"));
  await until(async () => {
    if (child.exitCode !== null) assert.fail(await failed);
    return fetch(`http://127.0.0.1:${port}/healthz`).then(
      () => true,
      () => false,
    );
  }, 30_000);
  for (const path of paths) await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  await until(
    async () => (await eventsIn(folder)).filter((line) => line.endsWith("success")).length >= paths.length,
  );
  child.kill("SIGKILL");
  await once(child, "exit");
  return eventsIn(folder);
}

test("library.md: what its code says is recorded, is", async (t) => {
  const [plain = "", express = "", hono = "", fetching = "", telemetry = "", mcp = "", ...rest] = blocksOf(
    "library.md",
    "ts",
  );
  assert.equal(rest.length, 0);
  const daybook = await startDaybook(t);
  const folder = tempFolder();
  await ran(started(plain, folder));
  assert.deepEqual(await eventsIn(folder), ["exec report_run monthly ann success", "quota checked success"]);
  const asked = ["/reports/7", "/files/a.txt"];
  assert.deepEqual(await served(express, asked), [
    "api request /reports/:id ann success",
    "file file_read /files/* success",
  ]);
  const ofHono = await served(hono, ["/reports/7"]);
  assert.equal(ofHono.at(-1), "api request /reports/:id ann success");
  await ran(started(fetching, tempFolder(), daybook.url));
  assert.equal((await daybook.events("kind=inference")).length, 1);
  await ran(started(telemetry, tempFolder()));
  const tools = tempFolder();
  const server = started(mcp, tools);
  const initialize = {
    protocolVersion: "2025-06-18",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  };
  for (const message of [
    { id: 1, method: "initialize", params: initialize },
    { method: "notifications/initialized" },
    { id: 2, method: "tools/call", params: { name: "now", arguments: {} } },
  ])
    server.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  await until(async () => (await eventsIn(tools)).length > 0, 30_000);
  server.stdin?.end();
  await ran(server);
  assert.deepEqual(await eventsIn(tools), ["mcp tool now success"]);
});

test("clients.md: clients speak with the gateway, and nothing else changes", async (t) => {
  const daybook = await startDaybook(t);
  for (const code of blocksOf("clients.md", "ts")) await ran(started(code, tempFolder(), daybook.url));
  const events = await daybook.events("kind=inference");
  assert.deepEqual(
    events.map(({ endpoint, status }) => `${endpoint} ${status}`),
    ["/v1/chat/completions success", "/v1/messages success"],
  );
});

test("providers.md: its configuration can be used as it is", async () => {
  for (const yaml of blocksOf("providers.md", "yaml")) {
    const folder = tempFolder();
    writeFileSync(join(folder, "daybook.yaml"), yaml);
    const env = { DAYBOOK_HOME: folder, FAST_API_KEY: "sk-of-an-example" };
    const { providers, routes } = await loadConfig({ env, cwd: folder, homedir: folder, flags: {} });
    assert.deepEqual([providers.length, routes.length], [1, 1]);
  }
});

test("protocols.md, stores.md: their code runs", async () => {
  const [protocol = ""] = blocksOf("protocols.md", "ts");
  assert.equal(await ran(started(protocol, tempFolder())), "demo 9 7\n");
  const [store = ""] = blocksOf("stores.md", "ts");
  // Declaring the suite is what the page shows; another test runs it.
  const declared = store
    .replaceAll('"../../', `"${ROOT}`)
    .replace(/^testStore\(.*$/m, 'if (typeof testStore !== "function") throw new Error();');
  await ran(started(declared, tempFolder()));
});

test("every guide is tested here, or where its subject is", () => {
  const own = ["clients.md", "library.md", "protocols.md", "providers.md", "stores.md"];
  const elsewhere = ["ingest.md", "mcp.md"];
  const found = readdirSync(guides).filter((name) => blocksOf(name, "ts").length > 0);
  assert.deepEqual(
    found.filter((name) => !own.includes(name) && !elsewhere.includes(name)),
    [],
  );
});
