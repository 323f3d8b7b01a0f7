// The typed client of Daybook's API, for Node and browsers: `daybook/client`. It imports nothing of Node.
import type { FieldName } from "../event/fields.ts";
import type { EventJson } from "../event/json.ts";
import { type EventFilter, MAX_LIMIT } from "../query/filter.ts";
import { writeFilter } from "../query/parameters.ts";
import type { FacetsJson, HistogramJson, SessionsJson, StatsJson, UsersJson } from "./answers.ts";
import { type Ask, ClientError, type ClientOptions, createAsk, jsonOf } from "./ask.ts";
import { type LiveItem, type LiveOptions, live, overSse } from "./live.ts";

export type { AskInit } from "./ask.ts";
export type {
  ClientOptions,
  FacetsJson,
  HistogramJson,
  LiveItem,
  LiveOptions,
  SessionsJson,
  StatsJson,
  UsersJson,
};
export { ClientError };

/** Which events: the typed filter, or the parameters of a URL (docs/reference/api.md). */
export type Question = EventFilter | URLSearchParams;

/** A page, newest first. */
export interface EventPage {
  readonly events: readonly EventJson[];
  /** For `page`; null: this is the last one. A page may be short, or empty, and not be the last. */
  readonly next: string | null;
  /** The last `seq` of each node that the pages cover. */
  readonly asOf: string;
}

type Parameters = Readonly<Record<string, string>>;

interface Cancellable {
  readonly signal?: AbortSignal;
}

/** Every call rejects with a ClientError where Daybook refuses, or is not there. */
export interface Client {
  /** Any path of the API. */
  readonly ask: Ask;
  /** A page of events: the first, or the one that `next` of another leads to. */
  page(
    from: { readonly question: Question; readonly limit?: number } | { readonly next: string },
    options?: Cancellable,
  ): Promise<EventPage>;
  /** Pages until `limit` events are there; all of them unless said. */
  pages(
    question?: Question,
    options?: Cancellable & { readonly limit?: number },
  ): AsyncGenerator<EventPage, void>;
  /** Events, newest first, across pages. */
  list(
    question?: Question,
    options?: Cancellable & { readonly limit?: number },
  ): AsyncGenerator<EventJson, void>;
  /** Requests that match, those included that retention has removed. */
  count(question?: Question, options?: Cancellable): Promise<number>;
  stats(question?: Question, options?: Cancellable): Promise<StatsJson>;
  /** Sums by time; `bucket` is a width such as `5m`, and fits the time unless given. */
  histogram(
    question?: Question,
    options?: Cancellable & { readonly bucket?: string },
  ): Promise<HistogramJson>;
  /** The most frequent values of fields, at most `limit` of each. */
  facets(
    question: Question,
    fields: readonly FieldName[],
    options?: Cancellable & { readonly limit?: number },
  ): Promise<FacetsJson>;
  /** What each user did; `parameters`: `days`, `min_actions`, `bucket`, `limit` (docs/reference/api.md). */
  users(
    question?: Question,
    options?: Cancellable & { readonly parameters?: Parameters },
  ): Promise<UsersJson>;
  /** What was done in each session; `parameters`: `days`, `min_actions`, `limit`. */
  sessions(
    question?: Question,
    options?: Cancellable & { readonly parameters?: Parameters },
  ): Promise<SessionsJson>;
  /** Everything that matches, as a stream of `format`; `parameters` may ask for more (docs/reference/api.md). */
  export(
    question: Question,
    format: string,
    options?: Cancellable & { readonly parameters?: Parameters },
  ): Promise<Response>;
  /** One event, or null. */
  event(eventId: string, options?: Cancellable): Promise<EventJson | null>;
  /** The live feed: reconnects by itself, and yields every event once. */
  live(question?: Question, options?: LiveOptions): AsyncGenerator<LiveItem, void>;
  /** The events of the live feed, without the rest. */
  follow(question?: Question, options?: LiveOptions): AsyncGenerator<EventJson, void>;
}

const TRAIL = "/admin/audit-logs";
const EVERYTHING: EventFilter = { where: {} };

export function createClient(options: ClientOptions): Client {
  const ask = createAsk(options);
  const page: Client["page"] = async (from, { signal } = {}) => {
    const query = "next" in from ? new URLSearchParams(from.next) : parametersOf(from.question);
    if ("limit" in from && from.limit !== undefined) query.set("limit", String(from.limit));
    const response = await ask(TRAIL, { query, signal });
    const events = await jsonOf<unknown>(response);
    if (!Array.isArray(events))
      throw unexpected("The answer holds no events: it does not come from Daybook.", response);
    const { headers } = response;
    return { events, next: nextOf(response), asOf: headers.get("x-as-of") ?? "" };
  };
  const pages: Client["pages"] = async function* (question = EVERYTHING, { limit = Infinity, signal } = {}) {
    const given = signal === undefined ? {} : { signal };
    let left = limit;
    for (let next: string | null | undefined; next !== null && left > 0; ) {
      const size = Math.min(left, MAX_LIMIT);
      const found = await page(next === undefined ? { question, limit: size } : { next }, given);
      const events = found.events.slice(0, left);
      left -= events.length;
      next = found.next;
      yield { ...found, events };
    }
  };
  const sums = async <T>(path: string, question: Question, more: Parameters, signal?: AbortSignal) =>
    jsonOf<T>(await ask(`${TRAIL}/${path}`, { query: parametersOf(question, more), signal }));
  const liveItems: Client["live"] = (question = EVERYTHING, liveOptions = {}) =>
    live(overSse(ask, `${TRAIL}/stream`), parametersOf(question), liveOptions);
  return {
    ask,
    page,
    pages,
    async *list(question, listOptions) {
      for await (const { events } of pages(question, listOptions)) yield* events;
    },
    count: async (question = EVERYTHING, { signal } = {}) =>
      (await sums<{ count: number }>("count", question, {}, signal)).count,
    stats: (question = EVERYTHING, { signal } = {}) => sums("stats", question, {}, signal),
    histogram: (question = EVERYTHING, { bucket, signal } = {}) =>
      sums("histogram", question, bucket === undefined ? {} : { bucket }, signal),
    facets: (question, fields, { limit, signal } = {}) =>
      sums(
        "facets",
        question,
        { fields: fields.join(","), ...(limit === undefined ? {} : { limit: String(limit) }) },
        signal,
      ),
    users: (question = EVERYTHING, { parameters = {}, signal } = {}) =>
      sums("users", question, parameters, signal),
    sessions: (question = EVERYTHING, { parameters = {}, signal } = {}) =>
      sums("sessions", question, parameters, signal),
    export: (question, format, { parameters, signal } = {}) =>
      ask(`${TRAIL}/export`, { query: parametersOf(question, { format, ...parameters }), signal }),
    async event(eventId, { signal } = {}) {
      try {
        return await jsonOf<EventJson>(await ask(`${TRAIL}/${encodeURIComponent(eventId)}`, { signal }));
      } catch (error) {
        if (error instanceof ClientError && error.code === "not_found") return null;
        throw error;
      }
    },
    live: liveItems,
    async *follow(question, liveOptions) {
      for await (const item of liveItems(question, liveOptions))
        if (item.type === "events") yield* item.events;
    },
  };
}

function parametersOf(question: Question, more: Parameters = {}): URLSearchParams {
  const parameters =
    question instanceof URLSearchParams ? new URLSearchParams(question) : writeFilter(question);
  for (const [name, value] of Object.entries(more)) parameters.set(name, value);
  return parameters;
}

/** The parameters of the page that a `Link` header (RFC 8288) leads to, on the path that was asked. */
function nextOf(response: Response): string | null {
  const [, link] = /<([^>]*)>; *rel="?next"?/.exec(response.headers.get("link") ?? "") ?? [];
  if (link === undefined) return null;
  const asked = URL.parse(response.url);
  const next = URL.parse(link, asked?.href ?? "http://localhost");
  if (next !== null && (asked === null || next.origin === asked.origin)) return next.searchParams.toString();
  throw unexpected("The answer points to another server for its next page.", response);
}

function unexpected(message: string, { status }: Response): ClientError {
  return new ClientError(message, { status, code: "unexpected" });
}
