// Every path that the API answers, as data: what it takes, who may ask, what it leaves in the trail, and how it
// is answered. The server, the reference and its test all read this list.
import type { FastifyReply, FastifyRequest } from "fastify";
import { type EventJson, eventJson } from "../event/json.ts";
import type { AsOf, EventFilter } from "../event/query.ts";
import { filterNames, parseFilter, parseQuery, refuseParameters } from "../read/parameters.ts";
import type { ApiParts } from "./api-parts.ts";
import { type AuditKind, QUERIED } from "./audit.ts";
import { type PageSeal, takeSeal } from "./page-seal.ts";
import { Refusal } from "./problem.ts";

export interface Answering {
  readonly parts: ApiParts;
  readonly pageSeal: PageSeal;
}

/** A path; all of them answer GET and HEAD. */
export interface Route {
  readonly path: string;
  /** Which of PARAMETERS it takes. */
  readonly takes: "nothing" | "filter" | "filter and page";
  /** `anyone`, `local`: this machine, else a token; `reader`: a token that may read the trail. */
  readonly access: "anyone" | "local" | "reader";
  /** null: the path is not audited. */
  readonly audit: AuditKind | null;
  readonly about: string;
  readonly answer: (answering: Answering, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
}

export const ROUTES: readonly Route[] = [
  {
    path: "/admin/audit-logs",
    takes: "filter and page",
    access: "reader",
    audit: QUERIED,
    about:
      'A JSON array of events, newest first. `Link: <…>; rel="next"` (RFC 8288) leads to the next page while there may be one; `X-As-Of` gives the last `seq` of each node that the pages cover, as `node_id=seq`, so that they do not shift while events arrive.',
    answer: list,
  },
  {
    path: "/admin/audit-logs/stats",
    takes: "filter",
    access: "reader",
    audit: QUERIED,
    about:
      "`total_requests`, `by_status`, `by_backend`, `unique_models`, `prompt_tokens`, `completion_tokens`, `total_tokens` of the events that match.",
    answer: stats,
  },
  {
    path: "/admin/audit-logs/:event_id",
    takes: "nothing",
    access: "reader",
    audit: QUERIED,
    about: "One event of any kind, or 404.",
    answer: single,
  },
  {
    path: "/healthz",
    takes: "nothing",
    access: "anyone",
    audit: null,
    about: '`{"status":"ok"}` while the process runs.',
    answer: async () => ({ status: "ok" }),
  },
  {
    path: "/readyz",
    takes: "nothing",
    access: "anyone",
    audit: null,
    about: "200 when every part is ready, else 503; `checks` says which is not, and what to do.",
    answer: readiness,
  },
  {
    path: "/metrics",
    takes: "nothing",
    access: "local",
    audit: null,
    about: "Prometheus metrics. Needs a token of any role unless asked from this machine itself.",
    answer: metrics,
  },
];

/** Fastify is told to keep the query string as it is read here (create-api.ts). */
function parametersOf(request: FastifyRequest): URLSearchParams {
  return new URLSearchParams(request.query as URLSearchParams);
}

async function list(
  { parts, pageSeal }: Answering,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<EventJson[]> {
  const { audit, holder } = request;
  const parameters = parametersOf(request);
  const mac = takeSeal(parameters);
  const query = parseQuery(parameters, parts.now());
  noteFilter(request, query);
  if (audit !== null && holder !== null) {
    audit.continues = query.after !== undefined && pageSeal.fits(mac, query, holder.id);
    if (!audit.continues) audit.begin();
  }
  const { events, next, asOf } = await parts.reader.query(query);
  reply.header("x-as-of", asOfText(asOf));
  if (next !== null && holder !== null) {
    const search = pageSeal.seal({ ...query, after: next, asOf }, holder.id);
    reply.header("link", `<${request.routeOptions.url}?${search}>; rel="next"`);
  }
  return events.map(eventJson);
}

async function stats({ parts }: Answering, request: FastifyRequest): Promise<Record<string, unknown>> {
  const filter = parseFilter(parametersOf(request), parts.now());
  noteFilter(request, filter);
  const sums = await parts.reader.stats(filter);
  return {
    total_requests: sums.totalRequests,
    by_status: sums.byStatus,
    by_backend: sums.byBackend,
    unique_models: sums.uniqueModels,
    prompt_tokens: sums.promptTokens,
    completion_tokens: sums.completionTokens,
    total_tokens: sums.totalTokens,
  };
}

async function single({ parts }: Answering, request: FastifyRequest): Promise<EventJson> {
  refuseParameters(parametersOf(request));
  const { event_id } = request.params as { event_id: string };
  const event = await parts.reader.get(event_id);
  if (event === null) throw new Refusal("not_found", { detail: "There is no event with this id." });
  return eventJson(event);
}

async function readiness(
  { parts }: Answering,
  _request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { ok, checks } = await parts.ready();
  reply.code(ok ? 200 : 503);
  return { status: ok ? "ready" : "not_ready", checks };
}

async function metrics({ parts }: Answering, _request: FastifyRequest, reply: FastifyReply): Promise<string> {
  reply.type("text/plain; version=0.0.4; charset=utf-8");
  return parts.metricsText();
}

function noteFilter({ audit }: FastifyRequest, filter: EventFilter): void {
  const names = filterNames(filter);
  if (names.length > 0) audit?.note({ metadata: { filters: names.join(",") } });
}

function asOfText(asOf: AsOf): string {
  return Object.entries(asOf)
    .map(([nodeId, seq]) => `${nodeId}=${seq}`)
    .join(", ");
}
