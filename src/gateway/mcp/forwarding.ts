// A request on its way to an MCP server, and the answer on its way back. Nothing is tried twice: a tool that ran must not
// run again.
import type { IncomingMessage } from "node:http";
import type { McpId } from "../../protocols/mcp-messages.ts";
import { Attempt } from "../attempt.ts";
import type { Work } from "../exchange.ts";
import type { Key } from "../inference.ts";
import type { CallBook } from "./call-book.ts";
import { headersUp } from "./headers.ts";
import type { McpExchange } from "./mcp-exchange.ts";
import { McpRelay } from "./mcp-relay.ts";
import type { Rounds } from "./rounds.ts";
import type { McpServer } from "./servers.ts";

/** Who asks, and which header said so. */
export interface McpCaller {
  readonly key: Key;
  readonly keyHeader: "authorization" | "x-api-key";
}

/** What goes on to the server. */
export interface Asked {
  readonly body: Buffer | null;
  /** Lists by the id that asked for them. */
  readonly lists: ReadonlyMap<McpId, string>;
  /** Open as long as both like. */
  readonly stays: boolean;
  readonly cancels: readonly McpId[];
}

export interface Known {
  readonly book: CallBook;
  readonly rounds: Rounds;
}

export class Forwarding implements Work {
  readonly #exchange: McpExchange;
  readonly #server: McpServer;
  readonly #caller: McpCaller;
  readonly #asked: Asked;
  readonly #known: Known;
  #attempt: Attempt | null = null;
  #relay: McpRelay | null = null;
  #isCut = false;

  constructor(exchange: McpExchange, server: McpServer, caller: McpCaller, asked: Asked, known: Known) {
    this.#exchange = exchange;
    this.#server = server;
    this.#caller = caller;
    this.#asked = asked;
    this.#known = known;
  }

  async run(): Promise<void> {
    const exchange = this.#exchange;
    const server = this.#server;
    const { request } = exchange;
    exchange.work = this;
    const id = sessionOf(request);
    const { scope, session } = this.#scopes(id);
    this.#enter(scope);
    const timer = this.stays ? undefined : setTimeout(() => this.cut("timeout"), server.timeoutMs);
    const attempt = new Attempt({
      dispatcher: server.dispatcher,
      method: request.method ?? "POST",
      place: server.place(searchOf(request.url ?? "")),
      headers: this.#headers(),
      body: this.#asked.body,
      accept: (status) => {
        server.answered(status);
        if (id !== null && status < 400) server.sessions.put(id, this.#caller.key.id);
        this.#relay = new McpRelay({
          exchange,
          server,
          upstream: attempt,
          book: this.#known.book,
          rounds: this.#known.rounds,
          session,
          lists: this.#asked.lists,
          onSession: (id) => server.sessions.put(id, this.#caller.key.id),
        });
        return this.#relay;
      },
    });
    this.#attempt = attempt;
    try {
      const result = await attempt.start();
      if (result.is === "unreachable" && !exchange.isOver && !this.#isCut) {
        server.unreachable(result.code);
        exchange.refuse("provider_unreachable", { errorType: result.code });
      }
      await exchange.ended;
    } finally {
      clearTimeout(timer);
      attempt.release();
      if (request.method === "DELETE") this.#known.book.endScope(scope);
    }
  }

  get stays(): boolean {
    return this.#exchange.request.method === "GET" || this.#asked.stays;
  }

  left(): void {
    this.#attempt?.abort();
  }

  cut(code: "timeout" | "shutting_down"): void {
    if (this.#exchange.isOver) return;
    this.#isCut = true;
    this.#attempt?.abort(code);
    if (this.#relay === null) this.#exchange.refuse(code);
    else this.#relay.interrupt(code);
  }

  /** Calls can be found by their ids from now on, and those that the client calls off are over. */
  #enter(scope: string): void {
    const { book } = this.#known;
    for (const call of this.#exchange.calls) book.add(scope, call);
    for (const id of this.#asked.cancels) book.find(scope, id)?.fail("client_disconnected", "cancelled");
  }

  /** What ids are unique in: the session; else what this key asks of this server. */
  #scopes(id: string | null): { readonly scope: string; readonly session: string | null } {
    const key = `${this.#server.name}\nkey ${this.#caller.key.id}`;
    const session = id === null ? null : `${key}\nsession ${id}`;
    return { scope: session ?? key, session };
  }

  #headers(): Record<string, string | string[]> {
    const { request, requestId } = this.#exchange;
    const own = { ...this.#server.headers, "x-request-id": requestId };
    return headersUp(request.headers, this.#caller.keyHeader, own);
  }
}

/** Id of the session that a request belongs to; null: none. */
export function sessionOf({ headers }: IncomingMessage): string | null {
  const { "mcp-session-id": id } = headers;
  return typeof id === "string" && id !== "" ? id : null;
}

function searchOf(url: string): string {
  const query = url.indexOf("?");
  return query === -1 ? "" : url.slice(query);
}
