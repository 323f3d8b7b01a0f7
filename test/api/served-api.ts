// The API as the server mounts it: behind a plain node:http server, over a real store and a real control. Only the
// recorder and readiness are stand-ins; the recorder keeps what it is told and refuses what the real one would.

import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import type { ApiParts, OpenEvent } from "../../src/api/api-parts.ts";
import { createApi, upgradesOf } from "../../src/api/create-api.ts";
import { isLoopback } from "../../src/config/address.ts";
import { openDatabase } from "../../src/control/database.ts";
import { type ControlParts, openParts } from "../../src/control/parts.ts";
import { hashSecret } from "../../src/control/secrets.ts";
import { checkFacts, encodeRow } from "../../src/event/encode.ts";
import { type AuditEvent, eventOf, type Facts, KINDS, type Kind } from "../../src/event/fields.ts";
import { newEventId } from "../../src/event/ids.ts";
import type { Outcome } from "../../src/event/outcomes.ts";
import { openReader, type Reader } from "../../src/read/reader.ts";
import { NO_JOBS } from "../../src/server/jobs.ts";
import { makeTrail, type Past, START, type Trail } from "../read/trail.ts";
import { tempFolder } from "../support/temp.ts";

/** Secrets of tokens that every served API knows, by role; their ids are `tok_` and the role. */
export const TOKENS = { admin: "dbt_admin", auditor: "dbt_auditor", viewer: "dbt_viewer" } as const;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body read as JSON. */
  readonly json: unknown;
}

export interface ServedApi extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly trail: Trail;
  readonly parts: ControlParts;
  /** Finished events, in the order in which they were finished. */
  readonly events: AuditEvent[];
  /** Events begun and not finished. */
  open(): number;
  /** Resolves when `count` events are finished in all. */
  finished(count: number): Promise<void>;
  /** One request on a connection of its own; resolves when the server has closed its side of the exchange. */
  ask(path: string, options?: AskOptions): Promise<Answer>;
}

interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** null sends no token; admin by default. */
  readonly token?: string | null;
  /** Whether every exchange before must be over too; yes by default. */
  readonly waitForOthers?: boolean;
}

export async function serveApi(
  past: readonly Past[] = [],
  instead: Partial<ApiParts> = {},
): Promise<ServedApi> {
  const trail = await makeTrail(...past);
  const reader = instead.reader ?? (await openReader(trail.address));
  const recorder = new KeepingRecorder();
  const parts = await openControl();
  const api = createApi({ ...standIns(reader, recorder), ...parts, ...instead });
  await api.ready();
  let exchanges = Promise.resolve();
  const server = createServer((incoming, response) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    exchanges = exchanges.then(() => promise);
    response.once("close", resolve);
    api.routing(incoming, response);
  });
  const upgrades = upgradesOf(api.routing);
  server.on("upgrade", (request, socket, head) => upgrades.answer(request, socket as Socket, head));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    trail,
    parts,
    events: recorder.events,
    open: () => recorder.open,
    finished: (count) => recorder.finished(count),
    ask: async (path, options = {}) => {
      const answer = await send(port, path, options);
      if (options.waitForOthers !== false) await exchanges;
      return answer;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await api.close();
      await parts.control.close();
      await reader.close();
      await trail[Symbol.asyncDispose]();
    },
  };
}

async function openControl(): Promise<ControlParts> {
  const path = join(tempFolder(), "control.db");
  const database = openDatabase(path);
  for (const [role, text] of Object.entries(TOKENS)) {
    database
      .prepare("INSERT INTO tokens (id, name, hash, created_at, role) VALUES (?, ?, ?, ?, ?)")
      .run(`tok_${role}`, role, hashSecret(text), START, role);
  }
  database.close();
  return openParts({ path, clock: () => START });
}

/** No provider is served. */
const NOTHING_AT_WORK: ApiParts["upstreams"] = {
  health: () => [],
  models: () => [],
  routeOf: () => ({ chosen: null, others: [] }),
  list: async () => ({ ok: false, code: "provider_unreachable", status: null, errorType: null }),
  setLoaded: async () => ({ ok: false, code: "not_supported", status: null, errorType: null }),
};

const NO_INGEST: ApiParts["ingest"] = {
  append: async () => assert.fail("not asked here"),
  seal: async () => assert.fail("not asked here"),
  nodes: async () => [],
};

function standIns(reader: Reader, recorder: KeepingRecorder): Omit<ApiParts, keyof ControlParts> {
  return {
    version: "0.0.0",
    refusals: { count: () => false },
    reader,
    feed: { subscribe: async () => assert.fail("not asked here"), wake: () => {} },
    recorder,
    upstreams: NOTHING_AT_WORK,
    mcp: { of: () => null },
    reload: async () => ({ changed: [], needsRestart: [] }),
    evidence: { seals: async () => [], proof: async () => ({}), anchors: () => [] },
    jobs: NO_JOBS,
    runSchedule: async () => null,
    targets: { names: [], check: () => {} },
    exporter: { start: () => assert.fail("not asked here") },
    ingest: NO_INGEST,
    metricsText: async () => "daybook_events_total 1\n",
    ready: async () => ({ ok: true, checks: { store: { ok: true, detail: "readable" } } }),
    now: () => START,
    clientIp: ({ socket }) => socket.remoteAddress ?? "",
    isSecure: () => false,
    balance: async () => assert.fail("not asked here"),
    standing: async () => assert.fail("not asked here"),
    kept: {
      retentionDays: Object.fromEntries(KINDS.map((kind) => [kind, 30])) as Record<Kind, number>,
      modes: Object.fromEntries(KINDS.map((kind) => [kind, "open"])) as Record<Kind, "open">,
      maxMb: 0,
    },
    isLoopback,
  };
}

class KeepingRecorder {
  readonly events: AuditEvent[] = [];
  open = 0;
  #waiting: { count: number; resolve: () => void }[] = [];

  begin(begun: Facts): OpenEvent {
    checkFacts(begun);
    const facts = { ...begun, eventId: newEventId() };
    let isOpen = true;
    this.open++;
    return {
      eventId: facts.eventId,
      mode: facts.kind === "admin" || facts.kind === "auth" ? "strict" : "open",
      settled: async () => "durable",
      note: (more) => {
        checkFacts(more);
        Object.assign(facts, more);
      },
      finish: (outcome: Outcome) => {
        assert.ok(isOpen, "an event was finished twice");
        isOpen = false;
        this.open--;
        const misfits = { count: 0 };
        this.events.push(eventOf(encodeRow(facts, outcome, misfits)));
        assert.equal(misfits.count, 0, "a fact did not fit its field");
        for (const { count, resolve } of this.#waiting) if (this.events.length >= count) resolve();
      },
    };
  }

  finished(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ count, resolve });
    if (this.events.length >= count) resolve();
    return promise;
  }
}

function send(port: number, path: string, options: AskOptions): Promise<Answer> {
  const { method = "GET", headers = {}, body, token = TOKENS.admin } = options;
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { port, path, method, headers: { ...authorization, ...headers }, agent: false },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = incoming.headers["content-type"]?.includes("json") && text !== "";
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text,
            json: isJson ? JSON.parse(text) : undefined,
          });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
