// What requests have used, one by one, newest first: for clients their own, for readers of the trail anybody's.
import * as z from "zod";
import type { AuditEvent } from "../../event/fields.ts";
import { eventJson } from "../../event/json.ts";
import type { EventFilter, EventQuery } from "../../query/filter.ts";
import { QUERIED, REQUEST } from "../audit.ts";
import { withinReach } from "../authorize.ts";
import { type Call, holderOf, type Route, route } from "../route.ts";
import { SHOWN_TIME } from "../values.ts";

const MAX_LIMIT = 500;

const USED = z.object({
  event_id: z.string(),
  timestamp: SHOWN_TIME,
  request_id: z.string(),
  api_key_id: z.string().nullable(),
  user_id: z.string().nullable(),
  endpoint: z.string().nullable(),
  model: z.string().nullable(),
  status: z.string(),
  status_code: z.int().nullable(),
  duration_ms: z.int().nullable(),
  prompt_tokens: z.int().nullable(),
  completion_tokens: z.int().nullable(),
  total_tokens: z.int().nullable(),
  cached_tokens: z.int().nullable(),
  tokens_estimated: z.boolean().nullable(),
  cost_micros: z.int().nullable(),
});

const NAMES = Object.keys(USED.shape) as (keyof typeof USED.shape)[];

const LIMIT = z.coerce.number().int().min(1).max(MAX_LIMIT).default(100).describe("Requests to show.");

export const USAGE_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/usage",
    access: "client",
    audit: REQUEST,
    query: z.object({ limit: LIMIT }),
    answers: z.array(USED),
    about:
      "The newest requests of the API key's user, or of the key where it has none, with tokens and cost.",
    answer: (call) => {
      const { userId, id } = holderOf(call);
      const where = userId === null ? { api_key_id: [id] } : { user_id: [userId] };
      return used(call, { where }, call.query.limit);
    },
  }),
  route({
    method: "GET",
    path: "/admin/usage",
    access: ["audit:read", "own"],
    audit: QUERIED,
    query: z.object({
      limit: LIMIT,
      user_id: z.string().optional().describe("Of this user only."),
      api_key_id: z.string().optional().describe("Of this API key only."),
    }),
    answers: z.array(USED),
    about:
      "The newest requests with tokens and cost; holders without `audit:read` see those of their own user.",
    answer: (call) => {
      const { limit, ...asked } = call.query;
      const named = Object.entries(asked).filter(([, value]) => value !== undefined);
      const where = Object.fromEntries(named.map(([name, value]) => [name, [value]]));
      return used(call, withinReach<EventFilter>(holderOf(call), { where }), limit);
    },
  }),
];

async function used({ reader }: Pick<Call, "reader">, { where }: EventFilter, limit: number) {
  const query: EventQuery = { where: { ...where, kind: ["inference"] }, limit };
  const events: AuditEvent[] = [];
  // A page may be short although more events follow.
  let page = await reader.query(query);
  events.push(...page.events);
  while (page.next !== null && events.length < limit) {
    page = await reader.query({ ...query, after: page.next, limit: limit - events.length });
    events.push(...page.events);
  }
  return events.map((event) => {
    const json = eventJson(event);
    return Object.fromEntries(NAMES.map((name) => [name, json[name]])) as z.output<typeof USED>;
  });
}
