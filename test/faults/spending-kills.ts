// Paid traffic from many clients at once, and kill -9 in the middle of it, again and again: what is charged is what the
// events cost, once, and nobody spends more beyond their credit than the stated bound. Afterwards the store is thrown
// away, and another is filled from what is left: the balances are the same.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Pool } from "undici";
import type { EventJson } from "../../src/event/json.ts";
import { ADMIN_TOKEN, API_KEY, chatBody } from "../support/daybook.ts";
import { until } from "../support/until.ts";

export interface SpendingOptions {
  readonly home: string;
  readonly requests: number;
  readonly kills: number;
  /** Requests at the same time, as far as there are so many between two kills. */
  readonly concurrency: number;
}

export interface SpendingReport {
  /** Requests at the same time. */
  readonly atOnce: number;
  readonly answered: number;
  /** 402. */
  readonly refused: number;
  /** Whose connection broke. */
  readonly broken: number;
  readonly granted: number;
  readonly charged: number;
  /** Balances of the users in the end, the lowest first. */
  readonly balances: readonly number[];
  /** What no balance may be below. */
  readonly bound: number;
}

interface User {
  readonly id: string;
  readonly secret: string;
}

const DAYBOOK = fileURLToPath(new URL("../../bin/daybook.mjs", import.meta.url));
const USERS = 3;
const MAX_TOKENS = 20;
/** What some answers have more than they were allowed: the only way to spend what is not held. */
const BEYOND_TOKENS = 7;
/** Micros for a token of the completion; those of the prompt are one each. */
const COMPLETION_MICROS = 10;
const PROMPT_TOKENS = 30;
const YAML = `listen: 127.0.0.1:0
providers: [{ name: demo, backend_type: simulated }]
routes:
  - model: demo
    providers: [{ provider: demo }]
    price: { prompt_per_million: 1, completion_per_million: ${COMPLETION_MICROS} }
`;

export class SpendingKills {
  readonly #options: SpendingOptions;
  #child: ChildProcess | null = null;
  #url = "";
  #answered = 0;
  #refused = 0;
  #broken = 0;

  constructor(options: SpendingOptions) {
    this.#options = options;
  }

  async run(): Promise<SpendingReport> {
    const { requests, kills, concurrency } = this.#options;
    const partRequests = Math.ceil(requests / (kills + 1));
    const atOnce = Math.min(concurrency, partRequests);
    writeFileSync(join(this.#options.home, "daybook.yaml"), YAML);
    try {
      await this.#start();
      const users = await Promise.all(Array.from({ length: USERS }, (_, n) => this.#user(`user ${n}`)));
      // About half of what all requests together would cost.
      const each = Math.ceil((requests / USERS) * (PROMPT_TOKENS + MAX_TOKENS * COMPLETION_MICROS) * 0.5);
      for (const { id } of users) await this.#grant(id, each);
      for (let part = 0; part <= kills; part++) {
        const load = this.#load(users, partRequests);
        if (part < kills) {
          const goal = this.#answered + this.#refused + Math.ceil(partRequests / 2);
          await until(() => this.#answered + this.#refused >= goal, 60_000);
          await this.#kill();
          await load;
          await this.#start();
        } else await load;
      }
      const report = await this.#report(users, each, atOnce);
      await this.#stop();
      for (const end of ["", "-wal", "-shm"])
        rmSync(join(this.#options.home, `events.db${end}`), { force: true });
      await this.#start();
      assert.deepEqual(await this.#report(users, each, atOnce), report, "a rebuilt store says the same");
      return report;
    } finally {
      await this.#kill();
    }
  }

  /** `requests` of all users in turns, so many at the same time, until they are done or the server is gone. */
  async #load(users: readonly User[], requests: number): Promise<void> {
    const pool = new Pool(this.#url, { connections: this.#options.concurrency });
    let next = 0;
    const client = async () => {
      while (next < requests) {
        const n = next++;
        const user = users[n % users.length] as User;
        const beyond = n % 5 === 0 ? BEYOND_TOKENS : 0;
        const simulate = {
          prompt_tokens: PROMPT_TOKENS,
          completion_tokens: MAX_TOKENS + beyond,
          pace_ms: n % 3,
        };
        try {
          const { statusCode, body } = await pool.request({
            method: "POST",
            path: "/v1/chat/completions",
            headers: { authorization: `Bearer ${user.secret}`, "content-type": "application/json" },
            body: chatBody({ stream: n % 2 === 0, simulate, body: { max_tokens: MAX_TOKENS } }),
          });
          const text = await body.text();
          if (statusCode === 200) this.#answered++;
          else {
            assert.equal(statusCode, 402, text);
            this.#refused++;
          }
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
          this.#broken++;
          if (this.#child === null) return;
        }
      }
    };
    await Promise.all(Array.from({ length: this.#options.concurrency }, client));
    await pool.destroy();
  }

  async #report(users: readonly User[], granted: number, atOnce: number): Promise<SpendingReport> {
    const events = await this.#events();
    assert.equal(new Set(events.map(({ event_id }) => event_id)).size, events.length);
    const bound = atOnce * BEYOND_TOKENS * COMPLETION_MICROS;
    let charged = 0;
    const balances: number[] = [];
    for (const { id, secret } of users) {
      const own = events.filter(({ user_id }) => user_id === id);
      const cost = own.reduce((sum, { cost_micros }) => sum + (cost_micros ?? 0), 0);
      for (const { status, cost_micros, prompt_tokens, completion_tokens } of own) {
        const due = (prompt_tokens ?? 0) + COMPLETION_MICROS * (completion_tokens ?? 0);
        assert.equal(cost_micros ?? 0, status === "success" || status === "cancelled" ? due : 0);
      }
      const balance = await this.#ask("/v1/credits", { key: secret });
      assert.equal(balance.charged_microcredits, cost);
      assert.equal(balance.balance_microcredits, granted - cost);
      assert.equal(balance.reserved_microcredits, 0);
      assert.ok(granted - cost >= -bound, `${granted - cost} is below ${-bound}`);
      balances.push(granted - cost);
      charged += cost;
    }
    return {
      atOnce,
      answered: this.#answered,
      refused: this.#refused,
      broken: this.#broken,
      granted: granted * users.length,
      charged,
      balances: balances.sort((a, b) => a - b),
      bound,
    };
  }

  async #user(name: string): Promise<User> {
    const { id } = await this.#ask("/admin/users", { body: { name, role: "viewer" } });
    const { secret } = await this.#ask("/admin/api-keys", { body: { name, user_id: id } });
    return { id: String(id), secret: String(secret) };
  }

  async #grant(userId: string, amount_microcredits: number): Promise<void> {
    await this.#ask(`/admin/users/${userId}/credits/grant`, {
      body: { amount_microcredits, reason: "a test" },
    });
  }

  /** All inference events, once everything is in the store. */
  async #events(): Promise<EventJson[]> {
    const events: EventJson[] = [];
    await until(async () => {
      const metrics = await this.#metrics();
      const isRecorded = /^daybook_events_in_flight\{kind="inference"\} 0$/m.test(metrics);
      return isRecorded && /^daybook_store_lag_records 0$/m.test(metrics);
    }, 30_000);
    for (let path: string | null = "/admin/audit-logs?kind=inference&limit=1000"; path !== null; ) {
      const response: Response = await fetch(this.#url + path, {
        headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
      });
      assert.equal(response.status, 200);
      events.push(...((await response.json()) as EventJson[]));
      path = /<([^>]*)>/.exec(response.headers.get("link") ?? "")?.[1] ?? null;
    }
    return events;
  }

  async #metrics(): Promise<string> {
    return (await fetch(`${this.#url}/metrics`)).text();
  }

  async #ask(
    path: string,
    { body, key }: { body?: unknown; key?: string },
  ): Promise<Record<string, unknown>> {
    const response = await fetch(this.#url + path, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${key ?? ADMIN_TOKEN}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    assert.ok(response.ok, JSON.stringify(answer));
    return answer;
  }

  async #start(): Promise<void> {
    const { home } = this.#options;
    const child = spawn(process.execPath, [DAYBOOK, "serve"], {
      cwd: home,
      env: {
        PATH: process.env.PATH,
        DAYBOOK_HOME: home,
        DAYBOOK_BOOTSTRAP_ADMIN_TOKEN: ADMIN_TOKEN,
        DAYBOOK_BOOTSTRAP_API_KEY: API_KEY,
        NO_COLOR: "1",
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    this.#url = await new Promise<string>((resolve, reject) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const url = /listens on (http:\/\/[\w.:]+)/.exec(output)?.[1];
        if (url !== undefined) resolve(url);
      });
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    });
    this.#child = child;
  }

  async #kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async #stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    assert.deepEqual(await exited, [0, null]);
  }
}
