// A gateway of its own behind a plain HTTP server, with a real recorder and journal: for what a whole server does not
// let a test hand in.
import { once } from "node:events";
import { createServer } from "node:http";
import type { TestContext } from "node:test";
import { request } from "undici";
import { type AuditEvent, KINDS, type Kind, type Mode } from "../../src/event/fields.ts";
import type { Admission } from "../../src/gateway/admission.ts";
import { Gateway } from "../../src/gateway/gateway.ts";
import type { Key } from "../../src/gateway/inference.ts";
import { CallBook } from "../../src/gateway/mcp/call-book.ts";
import { OpenStreams } from "../../src/gateway/mcp/open-streams.ts";
import { Rounds } from "../../src/gateway/mcp/rounds.ts";
import { McpServers } from "../../src/gateway/mcp/servers.ts";
import type { Routes } from "../../src/gateway/routes.ts";
import { type Rulings, UNRULED } from "../../src/gateway/rulings.ts";
import type { ProviderConfig, Timeouts } from "../../src/gateway/upstream.ts";
import { JournalClient } from "../../src/journal/journal-client.ts";
import { takeSlot } from "../../src/journal/slot.ts";
import { completeProvider, providerSchema } from "../../src/providers/provider.ts";
import { completeRoute, type Route, routeSchema } from "../../src/providers/route.ts";
import { Recorder } from "../../src/recorder/recorder.ts";
import { Refusals } from "../../src/recorder/refusals.ts";
import { tempFolder } from "../support/temp.ts";

export interface ServedGateway {
  readonly url: string;
  readonly gateway: Gateway;
  readonly routes: Routes;
  readonly recorder: Recorder;
  readonly refusals: Refusals;
  /** Waits until nothing is in flight, then everything recorded so far, in order. */
  events(): Promise<AuditEvent[]>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answered>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  /** Null: the answer broke. */
  readonly text: string | null;
}

export interface ServedOptions {
  readonly routes: Routes;
  readonly rulings?: Rulings;
  readonly admission?: Admission;
  readonly mode?: Mode;
  readonly key?: Key;
  /** Refusals of a source that have an event each. */
  readonly singly?: number;
  readonly timeoutsMs?: Timeouts;
  readonly maxBodyBytes?: number;
}

export const KEY = "the-key";
/** No limits, no prices. */
const FREE: Admission = { admit: () => ({ ok: true, headers: {}, settle: () => ({}) }) };

export async function serveGateway(
  t: { after: TestContext["after"] },
  options: ServedOptions,
): Promise<ServedGateway> {
  const { routes, admission = FREE, mode = "open", key = { id: "key_1", userId: "ana" } } = options;
  const { rulings = { decide: () => UNRULED } } = options;
  const slot = takeSlot(tempFolder());
  const journal = await JournalClient.open(slot);
  const modes = Object.fromEntries(KINDS.map((kind) => [kind, mode])) as Record<Kind, Mode>;
  const recorder = new Recorder({ journal, modes });
  const recorded: AuditEvent[] = [];
  recorder.subscribe((event) => recorded.push(event));
  const refusals = new Refusals({ recorder, singly: options.singly ?? 1000 });
  const gateway = new Gateway({
    onForwarded: () => {},
    recorder,
    refusals,
    routes,
    rulings,
    admission,
    profile: "test",
    authenticateKey: (presented) =>
      presented === KEY ? { ok: true, key } : { ok: false, reason: "unknown" },
    clientIp: ({ headers }) => String(headers["x-test-ip"] ?? "127.0.0.1"),
    maxBodyBytes: options.maxBodyBytes ?? 65_536,
    timeoutsMs: options.timeoutsMs ?? { chat: 2000, completions: 2000, embeddings: 2000 },
    userAgent: false,
    mcp: {
      servers: new McpServers(null, Date.now),
      book: new CallBook(),
      rounds: new Rounds(),
      streams: new OpenStreams(),
      maxStreams: 100,
      audit: { enabled: true, arguments: "redacted", lists: false },
    },
  });
  const server = createServer((incoming, response) => gateway.handle(incoming, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  t.after(async () => {
    await gateway.drain(0);
    server.close();
    server.closeAllConnections();
    await routes.close();
    refusals.close();
    await recorder.close();
    slot.release();
  });
  return {
    url,
    gateway,
    routes,
    recorder,
    refusals,
    async events() {
      while (Object.values(recorder.inFlight()).some((count) => count > 0))
        await new Promise((resolve) => setImmediate(resolve));
      return recorded;
    },
    async post(path, body, headers = {}) {
      const answer = await request(url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${KEY}`, ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      });
      const text = await answer.body.text().catch(() => null);
      return { status: answer.statusCode, headers: answer.headers, text };
    },
  };
}

/** A provider as daybook.yaml would have it. */
export function provider(name: string, baseUrl: string, more: Record<string, unknown> = {}): ProviderConfig {
  const spec = providerSchema.parse({
    name,
    backend_type: "local",
    protocols: ["openai", "anthropic"],
    base_url: baseUrl,
    retries: { max: 0 },
    ...more,
  });
  const whole = completeProvider(spec, { id: `id-${name}`, source: "file", path: (file) => file });
  return { ...whole, baseUrl };
}

/** A route to providers by their names. */
export function route(
  model: string,
  providers: readonly string[],
  more: Record<string, unknown> = {},
): Route {
  const spec = routeSchema.parse({
    model,
    providers: providers.map((name) => ({ provider: name })),
    ...more,
  });
  return completeRoute(spec, { id: `route-${model}`, source: "file" });
}
