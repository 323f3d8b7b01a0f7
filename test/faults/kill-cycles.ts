// kill -9 under load, with an oracle outside the process: it counts what the upstream received, what clients were
// answered and what the API had shown, and holds the trail to it after every restart.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Dispatcher, Pool } from "undici";
import type { EventJson } from "../../src/event/json.ts";
import { openSimulator, type Simulator } from "../../src/simulator/simulator.ts";
import { ADMIN_TOKEN, API_KEY, chatBody } from "../support/daybook.ts";

export interface KillOptions {
  readonly home: string;
  readonly mode: "open" | "strict";
  readonly cycles: number;
  readonly seed: number;
  /** Long streams that are open across the whole life of each process. */
  readonly longStreams: number;
  readonly onCycle?: (cycle: number) => void;
}

export interface KillReport {
  readonly cycles: number;
  readonly sent: number;
  readonly answered: number;
  readonly recorded: number;
  readonly interrupted: number;
  /** Open mode: requests whose begin a crash took though the upstream had them, and how long it had had the oldest. */
  readonly missing: number;
  readonly oldestMissingMs: number;
}

interface Sent {
  readonly requestId: string;
  readonly connection: number;
  readonly cycle: number;
  /** The whole answer came, or only a part, or nothing. */
  answer: "whole" | "broken" | "refused" | "none";
}

const CONNECTIONS = 8;
const DAYBOOK = fileURLToPath(new URL("../../bin/daybook.mjs", import.meta.url));

/** A small generator (mulberry32), so that a seed is a run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class KillCycles {
  readonly #options: KillOptions;
  readonly #random: () => number;
  readonly #sent: Sent[] = [];
  /** Request id → when the upstream had it. */
  readonly #reached = new Map<string, number>();
  readonly #shown = new Map<string, EventJson>();
  readonly #kills: number[] = [];
  #upstream: Simulator | null = null;
  #cycle = 0;

  constructor(options: KillOptions) {
    this.#options = options;
    this.#random = random(options.seed);
  }

  async run(): Promise<KillReport> {
    const { cycles, onCycle } = this.#options;
    this.#upstream = await openSimulator({
      onRequest: ({ requestId }) => {
        if (requestId !== null) this.#reached.set(requestId, performance.now());
      },
    });
    try {
      this.#writeConfig(this.#upstream.url);
      for (this.#cycle = 0; this.#cycle < cycles; this.#cycle++) {
        await this.#runUntilKilled();
        onCycle?.(this.#cycle + 1);
      }
      return await this.#verify();
    } finally {
      await this.#upstream.close();
    }
  }

  #writeConfig(url: string): void {
    const { home, mode } = this.#options;
    writeFileSync(
      join(home, "daybook.yaml"),
      `listen: 127.0.0.1:0\nproviders: [{ name: sim, backend_type: local, base_url: "${url}" }]\nroutes: [{ model: demo, providers: [{ provider: sim }] }]\naudit: { modes: { inference: ${mode} } }\n`,
    );
  }

  async #start(): Promise<{ child: ChildProcess; url: string }> {
    const { home } = this.#options;
    const env = {
      PATH: process.env.PATH,
      DAYBOOK_HOME: home,
      DAYBOOK_BOOTSTRAP_ADMIN_TOKEN: ADMIN_TOKEN,
      DAYBOOK_BOOTSTRAP_API_KEY: API_KEY,
    };
    const child = spawn(process.execPath, [DAYBOOK, "serve"], {
      env,
      cwd: home,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let errors = "";
    child.stderr?.on("data", (data) => (errors += data));
    const listening = new Promise<string>((resolve, reject) => {
      child.stdout?.on("data", (data) => {
        output += data;
        const url = /listens on (http:\/\/[\w.:]+)/.exec(output)?.[1];
        if (url !== undefined) resolve(url);
      });
      child.once("exit", (code) =>
        reject(new Error(`daybook ended with ${code} before it listened: ${errors}`)),
      );
    });
    return { child, url: await listening };
  }

  async #runUntilKilled(): Promise<void> {
    const { child, url } = await this.#start();
    const pool = new Pool(url, { connections: 1 });
    const stop = new AbortController();
    const load = Array.from({ length: CONNECTIONS }, (_, connection) =>
      this.#load(url, connection, stop.signal),
    );
    const streams = Array.from({ length: this.#options.longStreams }, (_, n) =>
      this.#longStream(url, CONNECTIONS + n),
    );
    const watching = this.#watch(pool, stop.signal);
    await new Promise((resolve) => setTimeout(resolve, 40 + this.#random() * 160));
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    this.#kills[this.#cycle] = performance.now();
    stop.abort();
    await exited;
    await Promise.all([...load, ...streams, watching]);
    await pool.destroy();
  }

  async #load(url: string, connection: number, stop: AbortSignal): Promise<void> {
    const client = new Pool(url, { connections: 1 });
    for (let n = 0; !stop.aborted; n++) {
      const stream = this.#random() < 0.5;
      const simulate = {
        prompt_tokens: 10 + n,
        completion_tokens: 3,
        ...(this.#random() < 0.3 ? { first_byte_ms: 10 } : {}),
      };
      await this.#send(
        client,
        `k-${this.#cycle}-${connection}-${n}`,
        connection,
        chatBody({ stream, simulate }),
      );
    }
    await client.destroy();
  }

  async #longStream(url: string, connection: number): Promise<void> {
    const client = new Pool(url, { connections: 1 });
    const body = chatBody({ stream: true, simulate: { completion_tokens: 10_000, pace_ms: 10 } });
    await this.#send(client, `k-${this.#cycle}-${connection}-0`, connection, body);
    await client.destroy();
  }

  async #send(client: Pool, requestId: string, connection: number, body: string): Promise<void> {
    const sent: Sent = { requestId, connection, cycle: this.#cycle, answer: "none" };
    this.#sent.push(sent);
    try {
      const headers = { authorization: `Bearer ${API_KEY}`, "x-request-id": requestId };
      const answer = await client.request({ method: "POST", path: "/v1/chat/completions", body, headers });
      sent.answer = "broken";
      await answer.body.text();
      sent.answer = answer.statusCode === 200 ? "whole" : "refused";
    } catch {
      // Killed meanwhile: what was known of the answer stands.
    }
  }

  /** Keeps what the API shows: none of it may ever change or go. */
  async #watch(pool: Pool, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        for (const event of await list(pool, "limit=200")) this.#shown.set(event.event_id, event);
      } catch {
        return;
      }
    }
  }

  async #verify(): Promise<KillReport> {
    const { child, url } = await this.#start();
    const pool = new Pool(url, { connections: 1 });
    try {
      const report = this.#hold(await this.#all(pool));
      await conserved(pool);
      return report;
    } finally {
      await pool.destroy();
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      assert.deepEqual(await exited, [0, null], "the last process ends in order");
    }
  }

  /** The whole trail, oldest first. */
  async #all(pool: Pool): Promise<EventJson[]> {
    await shipped(pool);
    const events: EventJson[] = [];
    for (let path: string | null = "/admin/audit-logs?limit=1000&include=system"; path !== null; ) {
      const answer: Dispatcher.ResponseData = await pool.request({
        method: "GET",
        path,
        headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
      });
      events.push(...((await answer.body.json()) as EventJson[]));
      path = /<([^>]+)>; rel="next"/.exec(String(answer.headers.link ?? ""))?.[1] ?? null;
    }
    return events.reverse().sort((a, b) => a.seq - b.seq);
  }

  #hold(events: readonly EventJson[]): KillReport {
    const { cycles } = this.#options;
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, index) => index + 1),
      "seqs are contiguous: nothing lost, nothing doubled",
    );
    assert.equal(new Set(events.map(({ event_id }) => event_id)).size, events.length);
    assert.equal(events.filter(({ action }) => action === "unclean_stop").length, cycles);
    const byId = new Map(events.map((event) => [event.event_id, event]));
    for (const [id, shown] of this.#shown)
      assert.deepEqual(byId.get(id), shown, "what the API has shown stays as it was");
    const byRequest = Map.groupBy(events, ({ request_id }) => request_id);
    const missing: Sent[] = [];
    for (const sent of this.#sent) {
      const found = byRequest.get(sent.requestId) ?? [];
      assert.ok(found.length <= 1, `${sent.requestId} has one event`);
      const [event] = found;
      if (event === undefined) missing.push(sent);
      else this.#holdOne(sent, event);
    }
    this.#holdMissing(missing, byRequest);
    const reached = missing.filter(({ requestId }) => this.#reached.has(requestId));
    const ages = reached.map(
      ({ requestId, cycle }) => (this.#kills[cycle] ?? 0) - (this.#reached.get(requestId) ?? 0),
    );
    return {
      cycles,
      sent: this.#sent.length,
      answered: this.#sent.filter(({ answer }) => answer === "whole").length,
      recorded: events.length,
      interrupted: events.filter(({ error_code }) => error_code === "interrupted").length,
      missing: reached.length,
      oldestMissingMs: Math.round(Math.max(0, ...ages)),
    };
  }

  #holdOne(sent: Sent, event: EventJson): void {
    const { mode } = this.#options;
    if (event.error_code === "interrupted") {
      assert.deepEqual([event.status, event.status_code, event.duration_ms], ["error", null, null]);
      if (mode === "strict")
        assert.notEqual(sent.answer, "whole", `${sent.requestId} was answered, so its outcome was durable`);
    } else if (event.status === "success") {
      assert.equal(event.total_tokens, (event.prompt_tokens ?? 0) + (event.completion_tokens ?? 0));
    }
    if (sent.answer === "whole" && event.error_code !== "interrupted") assert.equal(event.status, "success");
  }

  #holdMissing(missing: readonly Sent[], byRequest: ReadonlyMap<string, EventJson[]>): void {
    if (this.#options.mode === "strict") {
      const lost = missing.filter(
        ({ requestId, answer }) => this.#reached.has(requestId) || answer === "whole",
      );
      assert.deepEqual(lost, [], "strict: what reached the upstream or was answered has its event");
      return;
    }
    // Open: only the newest begins may be missing, so on each connection none that a recorded one followed.
    const byConnection = Map.groupBy(this.#sent, ({ cycle, connection }) => `${cycle}-${connection}`);
    for (const sent of missing) {
      const line = byConnection.get(`${sent.cycle}-${sent.connection}`) ?? [];
      const later = line.slice(line.indexOf(sent) + 1).filter(({ requestId }) => byRequest.has(requestId));
      assert.deepEqual(later, [], `${sent.requestId} is missing, and a later request is not`);
    }
  }
}

async function list(pool: Pool, query: string): Promise<EventJson[]> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const { body } = await pool.request({ method: "GET", path: `/admin/audit-logs?${query}`, headers });
  return (await body.json()) as EventJson[];
}

/** Waits until the store has everything that the journal had. */
async function shipped(pool: Pool): Promise<void> {
  for (;;) {
    const { body } = await pool.request({ method: "GET", path: "/metrics" });
    const text = await body.text();
    if (/^daybook_store_lag_records 0$/m.test(text)) return;
  }
}

/** begun = recorded + dropped + in flight, by the process's own account. */
async function conserved(pool: Pool): Promise<void> {
  const { body } = await pool.request({ method: "GET", path: "/metrics" });
  const sums = { begun_total: 0, recorded_total: 0, dropped_total: 0, in_flight: 0 };
  for (const [, name = "", value] of (await body.text()).matchAll(
    /^daybook_events_(\w+)\{[^}]*\} (\d+)$/gm,
  )) {
    if (name in sums) sums[name as keyof typeof sums] += Number(value);
  }
  assert.ok(sums.begun_total > 0);
  assert.equal(sums.begun_total, sums.recorded_total + sums.dropped_total + sums.in_flight);
}
