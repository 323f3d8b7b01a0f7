// The load: an upstream with canned answers, and two generators. Each is the fastest program that this machine has:
// C where there is gcc, wrk where it is installed, else our own in Node.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BESIDE, compiled, isInstalled, placeBeside, ran, started, stopped, versionOf } from "./programs.ts";

/** What is asked of an upstream: its paths are `/<answer>/…`, see upstream.c. */
export type Answer = "json" | "burst" | "paced";

export interface Upstream extends AsyncDisposable {
  readonly port: number;
  readonly made: "C" | "node";
}

/** `canned`: what it sends byte for byte, to be had at `/canned-N/…`. */
export async function openUpstream(
  events: number,
  paceMs: number,
  canned: readonly string[] = [],
): Promise<Upstream> {
  const program = compiled("upstream");
  const script = fileURLToPath(new URL("upstream.ts", import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), "daybook-bench-"));
  const files = canned.map((bytes, number) => {
    const path = join(folder, String(number));
    writeFileSync(path, bytes);
    return path;
  });
  const args = [String(events), String(paceMs), ...files];
  const { child, line } = await (program === null
    ? started(process.execPath, [script, ...args])
    : started(program, args));
  rmSync(folder, { recursive: true });
  placeBeside(child.pid ?? 0);
  return {
    port: Number(line),
    made: program === null ? "node" : "C",
    [Symbol.asyncDispose]: () => stopped(child, "SIGKILL"),
  };
}

export interface Asked {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Served {
  readonly requests: number;
  /** Answers that were no success, and connections that broke. */
  readonly failures: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

const SCRIPT = fileURLToPath(new URL("generator.ts", import.meta.url));

/** So many requests a second, on as many of the connections as that takes. */
export async function askEvenly(
  asked: Asked,
  {
    connections,
    seconds,
    rate,
  }: { readonly connections: number; readonly seconds: number; readonly rate: number },
): Promise<Served> {
  const args = [asked.port, connections, seconds, rate].map(String);
  return JSON.parse(await ran(process.execPath, [SCRIPT, ...args], asText(asked))) as Served;
}

/** As many requests as the target can take on so many connections, for so many seconds. */
export async function askAll(asked: Asked, connections: number, seconds: number): Promise<Served> {
  if (isInstalled("wrk")) return wrk(asked, connections, seconds);
  return JSON.parse(
    await beside(
      process.execPath,
      [SCRIPT, String(asked.port), String(connections), String(seconds)],
      asText(asked),
    ),
  ) as Served;
}

export interface Streamed {
  readonly whole: number;
  readonly broken: number;
  readonly events: number;
  readonly seconds: number;
  /** Milliseconds behind the pace. */
  readonly late_p50: number;
  readonly late_p99: number;
  readonly late_max: number;
}

export interface StreamLoad {
  readonly connections: number;
  /** On each connection, one after the other. */
  readonly streams: number;
  /** The connections begin within this time. */
  readonly spreadMs: number;
  readonly limitSeconds: number;
}

/** Reads so many event streams to their end; null where there is no gcc: nothing in Node reads without being late. */
export async function readStreams(asked: Asked, load: StreamLoad): Promise<Streamed | null> {
  const program = compiled("streams");
  if (program === null) return null;
  const { connections, streams, spreadMs, limitSeconds } = load;
  const args = [asked.port, connections, streams, spreadMs, limitSeconds].map(String);
  return JSON.parse(await beside(program, args, asText(asked))) as Streamed;
}

/** Versions of what makes the load. */
export function loadVersions(): Record<string, string> {
  return {
    generator: isInstalled("wrk") ? `wrk ${versionOf("wrk", "-v")}` : "node:net",
    upstream: compiled("upstream") === null ? "node:net" : "C",
  };
}

function beside(command: string, args: readonly string[], input: string): Promise<string> {
  const [first = command, ...rest] = [...BESIDE, command, ...args];
  return ran(first, rest, input);
}

async function wrk(
  { port, path, headers, body }: Asked,
  connections: number,
  seconds: number,
): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), "daybook-bench-"));
  const script = join(folder, "request.lua");
  const lua = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;
  writeFileSync(
    script,
    `wrk.method = "POST"
wrk.body = ${lua(body)}
${Object.entries(headers)
  .map(([name, value]) => `wrk.headers[${lua(name)}] = ${lua(value)}`)
  .join("\n")}
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"failures":%d,"seconds":%.6f,"p50":%.4f,"p95":%.4f,"p99":%.4f}\\n',
    summary.requests, e.connect + e.read + e.write + e.status + e.timeout, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
`,
  );
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", script, `http://127.0.0.1:${port}${path}`];
  const output = await beside("wrk", args, "");
  rmSync(folder, { recursive: true });
  return JSON.parse(output.slice(output.indexOf("{"))) as Served;
}

/** The request as it is sent. */
function asText({ path, headers, body }: Asked): string {
  const all = { host: "127.0.0.1", "content-length": Buffer.byteLength(body), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `POST ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
}
