// A whole Daybook for a test: the real server with a folder of its own, on a free port.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { request } from "undici";
import { loadConfig } from "../../src/config/load-config.ts";
import type { EventJson } from "../../src/event/json.ts";
import { openServer, type Server } from "../../src/server/server.ts";
import { tempFolder } from "./temp.ts";

export const ADMIN_TOKEN = "dbt_test-admin-token-0123456789-abcdefghij";
export const API_KEY = "dbk_test-api-key-0123456789-ABCDEFGHIJKLM";

export interface TestDaybook {
  readonly server: Server;
  readonly url: string;
  readonly home: string;
  /** GET on the API with the admin token. */
  get(
    path: string,
  ): Promise<{ status: number; headers: Record<string, string | string[] | undefined>; text: string }>;
  /** Waits until everything is in the store, then lists events: oldest first, all kinds with `include=system`. */
  events(query?: string): Promise<EventJson[]>;
  /** Slots of dead processes are recorded and shipped. */
  adopted(): Promise<void>;
  /** Everything recorded and shipped. */
  settle(): Promise<void>;
}

export async function startDaybook(
  t: { after: TestContext["after"] },
  {
    yaml = "",
    home = tempFolder(),
    journalWorker,
  }: { yaml?: string; home?: string; journalWorker?: URL } = {},
): Promise<TestDaybook> {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, "daybook.yaml"), `listen: 127.0.0.1:0\n${yaml}`);
  const env = {
    DAYBOOK_HOME: home,
    DAYBOOK_BOOTSTRAP_ADMIN_TOKEN: ADMIN_TOKEN,
    DAYBOOK_BOOTSTRAP_API_KEY: API_KEY,
  };
  const server = await openServer(
    await loadConfig({ env, cwd: home, homedir: home, flags: {} }),
    journalWorker,
  );
  t.after(() => server.close(0));
  const get = async (path: string) => {
    const { statusCode, headers, body } = await request(server.url + path, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    return { status: statusCode, headers, text: await body.text() };
  };
  const settle = async () => {
    await server.recorder.drain();
    if (!(await server.delivery.caughtUp(10_000))) throw new Error("the store did not catch up");
  };
  const events = async (query = "") => {
    await settle();
    const { status, text } = await get(`/admin/audit-logs?limit=1000${query === "" ? "" : `&${query}`}`);
    if (status !== 200) throw new Error(`${status} ${text}`);
    return (JSON.parse(text) as EventJson[]).reverse();
  };
  return { server, url: server.url, home, get, events, settle, adopted: () => server.adoption.round() };
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
