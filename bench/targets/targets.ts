// What the load is sent to: the upstream itself, and everything that can stand before it.
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Answer, Asked, Upstream } from "../load/load.ts";
import { isInstalled, placeServer, spawned, started, stopped, versionOf } from "../load/programs.ts";
import { benchFolder } from "../recording.ts";
import { BENCH_KEY } from "./keys.ts";
import { type DaybookMode, startDaybook } from "./start.ts";

export interface Target extends AsyncDisposable {
  readonly name: string;
  /** Processes that serve; none: the upstream itself. */
  readonly pids: readonly number[];
  /** The request that brings this answer. */
  ask(answer: Answer): Asked;
  /** Resolves when all work of the requests so far is done. */
  settle(): Promise<void>;
}

export interface Targets extends AsyncDisposable {
  readonly all: readonly Target[];
}

/** Those that are there, to be closed together. */
export function openTargets(found: readonly (Target | null)[]): Targets {
  const all = found.filter((target) => target !== null);
  return {
    all,
    async [Symbol.asyncDispose]() {
      for (const target of all) await target[Symbol.asyncDispose]();
    },
  };
}

const PROMPT = "Name the capital of France, and say in one sentence what it is known for.";
const JSON_HEADERS = { "content-type": "application/json" };

function bodyOf(answer: Answer): string {
  const messages = [
    { role: "system", content: "You are a helpful assistant. Answer briefly." },
    { role: "user", content: PROMPT },
  ];
  return JSON.stringify({
    model: answer,
    messages,
    temperature: 0.2,
    ...(answer === "json" ? {} : { stream: true }),
  });
}

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const nothing = async () => {};

export function direct({ port }: Upstream): Target {
  return {
    name: "direct",
    pids: [],
    ask: (answer) => toPath(port, answer),
    settle: nothing,
    [Symbol.asyncDispose]: nothing,
  };
}

/** For proxies that pass the path on. */
function toPath(port: number, answer: Answer): Asked {
  return { port, path: `/${answer}/v1/chat/completions`, headers: JSON_HEADERS, body: bodyOf(answer) };
}

export async function openPipe(upstream: Upstream): Promise<Target> {
  const { child, line } = await started(process.execPath, [file("pipe-proxy.ts"), String(upstream.port)]);
  const pid = child.pid ?? 0;
  placeServer(pid);
  return {
    name: "bare pipe proxy",
    pids: [pid],
    ask: (answer) => toPath(Number(line), answer),
    settle: nothing,
    [Symbol.asyncDispose]: () => stopped(child),
  };
}

const NAMES = {
  open: "Daybook, open",
  strict: "Daybook, strict",
  unrecorded: "Daybook, not recording",
} as const;

/** With a data folder of its own, that goes with it. */
export async function openDaybook(
  upstream: Upstream,
  mode: DaybookMode,
  execArgv: readonly string[] = [],
): Promise<Target> {
  const home = benchFolder();
  const { pid, port, settle, close } = await startDaybook(home, upstream.port, mode, execArgv);
  placeServer(pid);
  return {
    name: NAMES[mode],
    pids: [pid],
    ask: (answer) => chatOf(port, answer),
    settle,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}

/** A request to the Daybook at `port`. */
export function chatOf(port: number, answer: Answer): Asked {
  const headers = { ...JSON_HEADERS, authorization: `Bearer ${BENCH_KEY}` };
  return { port, path: "/v1/chat/completions", headers, body: bodyOf(answer) };
}

/** Null where it is not installed: `node scripts/set-up.mjs --bench` does. */
export async function openPortkey(
  upstream: Upstream,
  which: "portkey" | "portkey-streaming",
): Promise<Target | null> {
  const folder = file(`../engines/${which}/node_modules/`);
  const program = `${folder}@portkey-ai/gateway/build/start-server.js`;
  if (!existsSync(program)) return null;
  const port = await freePort();
  const child = spawned(process.execPath, [program, `--port=${port}`, "--headless"], {
    NODE_ENV: "production",
  });
  const pid = child.pid ?? 0;
  await listens(port);
  placeServer(pid);
  return {
    name: which === "portkey" ? "Portkey" : "Portkey, older dependencies",
    pids: [pid],
    ask: (answer) => ({
      port,
      path: "/v1/chat/completions",
      headers: {
        ...JSON_HEADERS,
        authorization: "Bearer sk-bench",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": `http://127.0.0.1:${upstream.port}/${answer}/v1`,
      },
      body: bodyOf(answer),
    }),
    settle: nothing,
    [Symbol.asyncDispose]: () => stopped(child, "SIGKILL"),
  };
}

export function portkeyVersions(which: "portkey" | "portkey-streaming"): string {
  const of = (name: string) => {
    const text = readFileSync(file(`../engines/${which}/node_modules/${name}/package.json`), "utf8");
    return (JSON.parse(text) as { version: string }).version;
  };
  return `${of("@portkey-ai/gateway")} (@hono/node-server ${of("@hono/node-server")}, hono ${of("hono")})`;
}

/** One worker process, connections to the upstream kept; null where nginx is not installed. */
export async function openNginx(upstream: Upstream): Promise<Target | null> {
  if (!isInstalled("nginx")) return null;
  const folder = benchFolder();
  const port = await freePort();
  for (const name of ["body", "proxy", "fastcgi", "uwsgi", "scgi"]) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, "nginx.conf"),
    `worker_processes 1; daemon off; master_process off; pid ${folder}/pid; error_log stderr crit;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 100000000; proxy_buffering off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream provider { server 127.0.0.1:${upstream.port}; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  );
  const child = spawned("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")]);
  await listens(port);
  placeServer(child.pid ?? 0);
  return {
    name: "nginx",
    pids: [child.pid ?? 0],
    ask: (answer) => toPath(port, answer),
    settle: nothing,
    async [Symbol.asyncDispose]() {
      await stopped(child);
    },
  };
}

export function nginxVersion(): string {
  return versionOf("nginx", "-v");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function listens(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const answers = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (answers) return;
    await delay(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}
