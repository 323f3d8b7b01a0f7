// Counts and sums over the trail: what goes beside a list of events.
import * as z from "zod";
import { FIELDS, type FieldName, type FieldSpec } from "../../event/fields.ts";
import { type EventFilter, filterNames } from "../../query/filter.ts";
import { parseFilter } from "../../query/parameters.ts";
import { facetsJson, histogramJson, metricsJson, statsJson } from "../../read/sums-json.ts";
import { bounded, bucketMsOf } from "../../read/windows.ts";
import { MAX_FACETS } from "../../stores/store.ts";
import { QUERIED } from "../audit.ts";
import { withinReach } from "../authorize.ts";
import { Refusal } from "../problem.ts";
import { type Call, holderOf, type Route, route } from "../route.ts";

const READING = { method: "GET", access: ["audit:read", "own"], audit: QUERIED, takes: "filter" } as const;

const MAX_FIELDS = 20;
/** Those that sums are kept for by hour and day: their counts take no longer in a long log. */
const DEFAULT_FIELDS = "kind,action,status,model,backend_type,provider,error_code,policy_decision";
const FACETED = (FIELDS as readonly FieldSpec[])
  .filter(({ type }) => type !== "json")
  .map(({ name }) => name);

export const SUM_ROUTES: readonly Route[] = [
  route({
    ...READING,
    path: "/admin/audit-logs/count",
    about: "`count`: the requests that match, those included that retention has removed.",
    answer: async (call) => {
      const { totalRequests } = await call.reader.stats(filterOf(call));
      return { count: totalRequests };
    },
  }),
  route({
    ...READING,
    path: "/admin/audit-logs/stats",
    about:
      "`total_requests`, `failed` (whatever is not a success), `by_status`, `by_backend`, `unique_models`, `prompt_tokens`, `completion_tokens`, `total_tokens`, `cached_tokens`, `cost_micros`, and of `duration_ms` `p50_ms`, `p95_ms`, `p99_ms` (within 5 %) of the events that match, those included that retention has removed.",
    answer: async (call) => statsJson(await call.reader.stats(filterOf(call))),
  }),
  route({
    ...READING,
    path: "/admin/audit-logs/histogram",
    query: z.object({
      bucket: z
        .string()
        .optional()
        .describe("Width of a bucket: 30s, 5m, 1h, 7d. Fits the time unless given."),
    }),
    about:
      "Sums by time: `since`, `until`, `bucket_ms` and, oldest first, those `buckets` that have events: `from`, `requests`, `failed`, `total_tokens`, `cost_micros`, `p95_ms`. Buckets start at multiples of their width since 1970, UTC. Without `since`, the day before `until`.",
    answer: async (call) => {
      const asked = bounded(filterOf(call), call.parts.now());
      const bucketMs = bucketMsOf(call.query.bucket, asked);
      return histogramJson(await call.reader.histogram(asked, bucketMs), asked, bucketMs);
    },
  }),
  route({
    ...READING,
    path: "/admin/audit-logs/facets",
    query: z.object({
      fields: z.string().default(DEFAULT_FIELDS).describe("Names of fields, with commas between them."),
      limit: z.coerce.number().int().min(1).max(MAX_FACETS).default(20).describe("Values of each field."),
    }),
    about:
      "Of each field its `values` (`value`, `requests`), the most frequent first, and whether that is `exact`: where the filter and the field are of different sorts, only the newest events of a long log are counted; users and keys are exact for whole days, and beyond a long reach or in a busy part of a day only the newest are counted.",
    answer: async (call) => {
      const fields = fieldsFrom(call.query.fields);
      return facetsJson(fields, await call.reader.facets(filterOf(call), fields, call.query.limit));
    },
  }),
  route({
    ...READING,
    path: "/admin/audit-logs/metrics",
    about:
      "What goes on in a stretch of time (without `since`, the day before `until`): `actions_by_user` with `per_hour`, `failures_by_type` with `failure_rate`, `response_time_by_endpoint` with `mean_ms` and percentiles (within 5 %), `admin_actions` with `per_day`, `quota_violations`; each at most 100, the most frequent first. Numbers by user are here and not at `/metrics`, where every user would be a series of its own.",
    answer: async (call) => {
      const asked = bounded(filterOf(call), call.parts.now());
      return metricsJson(call.reader, asked, asked);
    },
  }),
];

/** The filter of a query, as far as its holder may look. */
function filterOf<Query>(call: Call<Query, unknown>): EventFilter {
  const { parts, search, audit } = call;
  const filter = withinReach(holderOf(call), parseFilter(search, parts.now()));
  const names = filterNames(filter);
  if (names.length > 0) audit?.note({ metadata: { filters: names.join(",") } });
  return filter;
}

function fieldsFrom(text: string): FieldName[] {
  const names = [...new Set(text.split(",").map((name) => name.trim()))];
  const wrong = names.find((name) => !FACETED.includes(name));
  if (wrong === undefined && names.length <= MAX_FIELDS) return names as FieldName[];
  throw new Refusal("invalid_request", {
    detail:
      wrong === undefined
        ? `fields takes at most ${MAX_FIELDS} names.`
        : `There are no facets of ${JSON.stringify(wrong.slice(0, 40).toWellFormed())}: fields takes names of events.md that hold no JSON.`,
    errorType: "bad_field",
  });
}
