// MCP servers at work: how each is reached, what it was last seen to do, and what it offers. The table can be replaced
// while requests run: new ones take the new table, and a server that stays as it was keeps its connections.
import { readFileSync } from "node:fs";
import type { Dispatcher } from "undici";
import type { McpServer as ServerConfig } from "../../providers/mcp-server.ts";
import { Pools, type ProxySettings } from "../pools.ts";
import type { Place } from "../upstream.ts";
import { Offers } from "./offers.ts";
import { Sessions } from "./sessions.ts";

const CONNECT_MS = 10_000;

/** How a server is. */
export interface McpHealth {
  readonly server: string;
  /** `unknown`: nobody asked it yet. */
  readonly state: "up" | "down" | "unknown";
  /** Of the last answer, UTC ms; null: there was none. */
  readonly lastSeenAt: number | null;
  /** A status, a native code, or `ok`; null before the first request. */
  readonly lastCode: string | number | null;
  /** Requests without an answer since the last one that had one. */
  readonly failures: number;
}

export class McpServer {
  readonly id: string | null;
  readonly name: string;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  readonly offers = new Offers();
  readonly sessions = new Sessions();
  readonly #origin: string;
  readonly #pathname: string;
  readonly #pools: Pools;
  readonly #now: () => number;
  #health: Omit<McpHealth, "server"> = { state: "unknown", lastSeenAt: null, lastCode: null, failures: 0 };
  #users = 0;
  #retired = false;

  constructor(config: ServerConfig, ca: string | null, proxy: ProxySettings | null, now: () => number) {
    this.id = config.id;
    this.name = config.name;
    this.timeoutMs = config.timeoutMs;
    this.headers = config.headers;
    const { origin, pathname } = new URL(config.url);
    this.#origin = origin;
    this.#pathname = pathname;
    this.#pools = new Pools(proxy);
    this.#now = now;
    this.dispatcher = this.#pools.for({ origin, ca, connectMs: CONNECT_MS, direct: false });
  }

  /** Where it is; `search`: the query string of the request. */
  place(search: string): Place {
    return { origin: this.#origin, path: this.#pathname + search };
  }

  answered(status: number): void {
    const lastCode = status < 400 ? "ok" : status;
    // What is answered 5xx comes from a server that is not well, or from what stands before it.
    this.#health = { state: status < 500 ? "up" : "down", lastSeenAt: this.#now(), lastCode, failures: 0 };
  }

  unreachable(code: string): void {
    const { lastSeenAt, failures } = this.#health;
    this.#health = { state: "down", lastSeenAt, lastCode: code, failures: failures + 1 };
  }

  get health(): McpHealth {
    return { server: this.name, ...this.#health };
  }

  /** For as long as it is used its connections stay. */
  hold(): void {
    this.#users++;
  }

  release(): void {
    this.#users--;
    this.#closeUnused();
  }

  /** Takes no new users. */
  retire(): void {
    this.#retired = true;
    this.#closeUnused();
  }

  async close(): Promise<void> {
    await this.#pools.close();
  }

  #closeUnused(): void {
    if (this.#retired && this.#users === 0) this.#pools.keepOnly(new Set());
  }
}

export class McpServers {
  readonly #proxy: ProxySettings | null;
  readonly #now: () => number;
  #known = new Map<string, { readonly config: string; readonly server: McpServer }>();

  constructor(proxy: ProxySettings | null, now: () => number) {
    this.#proxy = proxy;
    this.#now = now;
  }

  /** From now on requests take these. Throws, and changes nothing, when certificates cannot be used. */
  replace(configs: readonly ServerConfig[]): void {
    const next = new Map(
      configs.map((config) => {
        const ca = config.caFile === null ? null : readFileSync(config.caFile, "utf8");
        const text = JSON.stringify([config, ca]);
        const known = this.#known.get(config.name);
        if (known?.config === text) return [config.name, known] as const;
        const server = new McpServer(config, ca, this.#proxy, this.#now);
        return [config.name, { config: text, server }] as const;
      }),
    );
    const kept = new Set([...next.values()].map(({ server }) => server));
    for (const { server } of this.#known.values()) if (!kept.has(server)) server.retire();
    this.#known = next;
  }

  find(name: string): McpServer | null {
    return this.#known.get(name)?.server ?? null;
  }

  get all(): readonly McpServer[] {
    return [...this.#known.values()].map(({ server }) => server);
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((server) => server.close()));
  }
}
