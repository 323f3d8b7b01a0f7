// The trail: lists and single events. Holders without `audit:read` see events of their own user only.
import { type EventJson, eventJson, without } from "../../event/json.ts";
import type { AsOf, EventFilter } from "../../query/filter.ts";
import { filterNames } from "../../query/filter.ts";
import { parseQuery } from "../../query/parameters.ts";
import { QUERIED } from "../audit.ts";
import { hiddenFrom, withinReach } from "../authorize.ts";
import { takeSeal } from "../page-seal.ts";
import { Refusal } from "../problem.ts";
import { type Call, holderOf, type Route, route } from "../route.ts";

const READING = { method: "GET", access: ["audit:read", "own"], audit: QUERIED } as const;

export const TRAIL_ROUTES: readonly Route[] = [
  route({
    ...READING,
    path: "/admin/audit-logs",
    takes: "filter and page",
    about:
      'A JSON array of events, newest first. `Link: <…>; rel="next"` (RFC 8288) leads to the next page while there may be one, also from a page that is short or empty: a search that finds little looks at a stretch of the log at a time; `X-As-Of` gives the last `seq` of each node that the pages cover, as `node_id=seq`, so that they do not shift while events arrive.',
    answer: list,
  }),
  route({
    ...READING,
    path: "/admin/audit-logs/:event_id",
    about: "One event of any kind, or 404.",
    answer: single,
  }),
];

async function list(call: Call): Promise<Buffer> {
  const { parts, reader, audit, search, pageSeal, request, reply } = call;
  const holder = holderOf(call);
  const mac = takeSeal(search);
  const query = withinReach(holder, parseQuery(search, parts.now()));
  noteFilter(call, query);
  if (audit !== null) {
    audit.continues = query.after !== undefined && pageSeal.fits(mac, query, holder.id);
    if (!audit.continues) audit.begin();
  }
  const { json, next, asOf } = await reader.page(query, hiddenFrom(holder));
  reply.header("x-as-of", asOfText(asOf));
  if (next !== null) {
    const { offset: _, ...rest } = query;
    const parameters = pageSeal.seal({ ...rest, after: next, asOf }, holder.id);
    reply.header("link", `<${request.routeOptions.url}?${parameters}>; rel="next"`);
  }
  reply.type("application/json; charset=utf-8");
  return Buffer.from(json.buffer);
}

async function single(call: Call): Promise<EventJson> {
  const { reader, params } = call;
  const holder = holderOf(call);
  const { user_id: visible } = withinReach<EventFilter>(holder, { where: {} }).where;
  const event = await reader.get(params.event_id ?? "");
  // Whether there is an event of somebody else is none of a viewer's business.
  if (event === null || (visible !== undefined && !visible.includes(event.user_id)))
    throw new Refusal("not_found", { detail: "There is no event with this id." });
  return eventJson(without(event, hiddenFrom(holder)));
}

function noteFilter({ audit }: Call, filter: EventFilter): void {
  const names = filterNames(filter);
  if (names.length > 0) audit?.note({ metadata: { filters: names.join(",") } });
}

function asOfText(asOf: AsOf): string {
  return Object.entries(asOf)
    .map(([nodeId, seq]) => `${nodeId}=${seq}`)
    .join(", ");
}
