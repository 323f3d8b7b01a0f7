// A route as data: what it takes, who may ask, what it leaves in the trail, and how it is answered. The server, the
// reference, the OpenAPI description and the tests all read these.
import type { FastifyReply, FastifyRequest } from "fastify";
import type * as z from "zod";
import type { Actor } from "../control/change.ts";
import type { Reads } from "../read/reader.ts";
import type { ApiParts } from "./api-parts.ts";
import type { AuditKind, RequestAudit } from "./audit.ts";
import type { Grant, Holder } from "./authorize.ts";
import type { FeedPlaces } from "./feed/places.ts";
import type { Identify, Tickets } from "./feed/tickets.ts";
import type { LoginThrottle } from "./login-throttle.ts";
import type { PageSeal } from "./page-seal.ts";

export type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";

/**
 * `anyone`; `local`: this machine, else any holder; `known`: any holder; `client`: holders of an API key; or holders
 * with one of the grants.
 */
export type Access = "anyone" | "local" | "known" | "client" | readonly Grant[];

/** What a change is in the trail. */
export interface Changes {
  readonly action: string;
  readonly entityType: string;
  /** `admin` unless said. */
  readonly kind?: "admin" | "auth";
}

export interface Route {
  readonly method: Method;
  /** Each `:name` stands for one segment. */
  readonly path: string;
  readonly access: Access;
  /** null: the path is not audited. Of no meaning where `changes` is. */
  readonly audit: AuditKind | null;
  readonly about: string;
  /** Parameters of the trail's queries (query/parameters.ts). */
  readonly takes?: "filter" | "filter and page";
  /** Parameters of its own, each given at most once; what neither names is refused. */
  readonly query?: z.ZodObject;
  /** Members of the JSON body; others are refused. */
  readonly body?: z.ZodObject;
  /** The body is lines (application/x-ndjson), at most so many bytes of them, handed on as they are. */
  readonly linesBytes?: number;
  /** What a success answers; none: 204. */
  readonly answers?: z.ZodType;
  /** Status of a success; 200 unless said, 204 for an answer that is undefined. */
  readonly status?: 200 | 201 | 202;
  /**
   * There for every route that changes something. The change is its event, through the outbox and in the same
   * transaction, when it is made with `call.actor`; a request that changes nothing leaves one event of its own.
   */
  readonly changes?: Changes;
  /** Goes on as a live feed; a `ticket` in the query string is as good as a token. */
  readonly opensFeed?: "web_socket" | "event_stream";
  /** Makes something else do something, and changes nothing here: its event is the request's. */
  readonly acts?: true;
  /** A success leaves no event, since what it hands over is events itself; whatever else it comes to leaves one. */
  readonly isQuiet?: true;
  /** A method, so that `route` can give it a call with the types of its own query and body. */
  answer(call: Call): Promise<unknown>;
}

/** One request to a route. */
export interface Call<Query = unknown, Body = unknown> {
  readonly parts: ApiParts;
  /** `parts.reader` for whoever asks: once they have left, nothing more is begun for them. */
  readonly reader: Reads;
  readonly params: Readonly<Record<string, string>>;
  /** As the route's schemas read it. */
  readonly query: Query;
  readonly body: Body;
  /** The query string as it came, but for the route's own parameters where it takes those of queries too. */
  readonly search: URLSearchParams;
  /** For control.change. */
  readonly actor: Actor;
  /** null where no token is needed. */
  readonly holder: Holder | null;
  /** The holder, if asked again later; throws the refusal once they are nobody any more. */
  readonly identify: Identify | null;
  readonly reply: FastifyReply;
  readonly request: FastifyRequest;
  readonly audit: RequestAudit | null;
  readonly pageSeal: PageSeal;
  readonly throttle: LoginThrottle;
  readonly tickets: Tickets;
  readonly feedPlaces: FeedPlaces;
}

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** A route whose `answer` sees the types of its own query and body. */
export function route<
  Query extends z.ZodObject | undefined = undefined,
  Body extends z.ZodObject | undefined = undefined,
>(
  spec: Omit<Route, "query" | "body" | "answer"> & {
    readonly query?: Query;
    readonly body?: Body;
    answer(call: Call<Output<Query>, Output<Body>>): Promise<unknown>;
  },
): Route {
  return spec as Route;
}

/** The holder of a call to a route that only holders may ask. */
export function holderOf({ holder }: Call): Holder {
  if (holder === null) throw new TypeError("This route answers anyone.");
  return holder;
}

/** The same routes below another path. */
export function alsoAt(routes: readonly Route[], path: string, other: string): Route[] {
  return routes.map((each) => ({
    ...each,
    path: each.path.replace(path, other),
    about: `As \`${each.path}\`.`,
    answer: (call) => each.answer(call),
  }));
}
