// A whole Daybook for a test: the real server with a folder of its own, on a free port.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { request } from "undici";
import { loadConfig } from "../../src/config/load-config.ts";
import type { EventJson } from "../../src/event/json.ts";
import { openServer, type Server } from "../../src/server/server.ts";
import { type Ends, endings } from "./endings.ts";
import { tempFolder } from "./temp.ts";

export const ADMIN_TOKEN = "dbt_test-admin-token-0123456789-abcdefghij";
export const API_KEY = "dbk_test-api-key-0123456789-ABCDEFGHIJKLM";

/** A password hash for tests: one that costs nothing. */
export const CHEAP = { log2N: 4, r: 8, p: 1 } as const;

export interface AskOptions {
  readonly method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
  /** Sent as JSON. */
  readonly body?: unknown;
}

export interface Asked {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  /** The body read as JSON; null when it is none. */
  readonly json: unknown;
}

export interface TestDaybook {
  readonly server: Server;
  readonly url: string;
  readonly home: string;
  /** GET on the API with the admin token. */
  get(
    path: string,
  ): Promise<{ status: number; headers: Record<string, string | string[] | undefined>; text: string }>;
  /** Any request to the API, with the admin token unless `token` says another, or none (null). */
  ask(path: string, options?: AskOptions): Promise<Asked>;
  /** Waits until everything is in the store, then lists events: oldest first, all kinds with `include=system`. */
  events(query?: string): Promise<EventJson[]>;
  /** Slots of dead processes are recorded and shipped. */
  adopted(): Promise<void>;
  /** Everything recorded and shipped. */
  settle(): Promise<void>;
}

export async function startDaybook(
  t: Ends,
  {
    yaml = "",
    home = tempFolder(),
    profile,
    journalWorker,
  }: { yaml?: string; home?: string; profile?: string; journalWorker?: URL } = {},
): Promise<TestDaybook> {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "daybook.yaml"), `listen: 127.0.0.1:0\n${yaml}`);
  const env = {
    DAYBOOK_HOME: home,
    DAYBOOK_BOOTSTRAP_ADMIN_TOKEN: ADMIN_TOKEN,
    DAYBOOK_BOOTSTRAP_API_KEY: API_KEY,
  };
  const load = () => loadConfig({ env, cwd: home, homedir: home, flags: { profile } });
  const server = await openServer(await load(), {
    load,
    journalWorker,
    scrypt: CHEAP,
  });
  t.after(() => server.close(0));
  const ask = async (path: string, options: AskOptions = {}) => {
    const { method = "GET", token = ADMIN_TOKEN, headers = {}, body: sent } = options;
    const {
      statusCode,
      headers: received,
      body,
    } = await request(server.url + path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(sent === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: sent === undefined ? null : JSON.stringify(sent),
    });
    const text = await body.text();
    const isJson = String(received["content-type"]).includes("json");
    return { status: statusCode, headers: received, text, json: isJson ? JSON.parse(text) : null };
  };
  const get = (path: string) => ask(path);
  const settle = async () => {
    // What a test keeps from being moved is not waited for.
    await server.outbox.pump().catch(() => {});
    await server.recorder.drain();
    if (!(await server.delivery.caughtUp(10_000))) throw new Error("the store did not catch up");
  };
  const events = async (query = "") => {
    await settle();
    const listed: EventJson[] = [];
    let path: string | undefined = `/admin/audit-logs?limit=1000${query === "" ? "" : `&${query}`}`;
    while (path !== undefined) {
      const page: Asked = await ask(path);
      if (page.status !== 200) throw new Error(`${page.status} ${page.text}`);
      listed.push(...(page.json as EventJson[]));
      path = /^<(.*)>/.exec(String(page.headers.link ?? ""))?.[1];
    }
    return listed.reverse();
  };
  return { server, url: server.url, home, get, ask, events, settle, adopted: () => server.adoption.round() };
}

/** One server for those tests of a file that leave nothing which another looks at; it starts when first asked for. */
export function sharedDaybook(): () => Promise<TestDaybook> {
  const [t, end] = endings();
  after(end);
  let started: Promise<TestDaybook> | null = null;
  return () => {
    started ??= startDaybook(t);
    return started;
  };
}

export interface ChatOptions {
  readonly simulate?: Record<string, unknown>;
  readonly model?: string;
  readonly stream?: boolean;
  readonly headers?: Record<string, string>;
  readonly body?: Record<string, unknown>;
}

export function chatBody({ simulate, model = "demo", stream = false, body = {} }: ChatOptions = {}): string {
  return JSON.stringify({
    model,
    messages: [{ role: "user", content: "How are you?" }],
    ...(stream ? { stream } : {}),
    ...(simulate === undefined ? {} : { simulate }),
    ...body,
  });
}

/** One chat request with a valid key, read to its end; `text` is null when the connection broke. */
export async function chat(url: string, options: ChatOptions = {}) {
  const { statusCode, headers, body } = await request(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json", ...options.headers },
    body: chatBody(options),
  });
  const text = await body.text().catch(() => null);
  return { status: statusCode, headers, text };
}
