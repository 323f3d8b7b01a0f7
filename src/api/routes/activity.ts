// What people and sessions did in a stretch of time.
import * as z from "zod";
import { DaybookError } from "../../event/errors.ts";
import { filterNames } from "../../query/filter.ts";
import { parseFilter } from "../../query/parameters.ts";
import { sessionsJson, usersJson } from "../../read/activity-json.ts";
import { bounded } from "../../read/windows.ts";
import type { ActivityQuestion } from "../../stores/activity.ts";
import { MAX_BUCKETS, MAX_FACETS } from "../../stores/store.ts";
import { QUERIED } from "../audit.ts";
import { withinReach } from "../authorize.ts";
import { type Call, holderOf, type Route, route } from "../route.ts";

const READING = { method: "GET", access: ["audit:read", "own"], audit: QUERIED, takes: "filter" } as const;
const DAY_MS = 86_400_000;
const BUCKETS_MS = { hour: DAY_MS / 24, day: DAY_MS } as const;
const DEFAULT_DAYS = 7;
/** Of all users together: some 5 MB of JSON. */
const MAX_ALL_BUCKETS = 50_000;

const WINDOW = {
  days: z.coerce
    .number()
    .int()
    .min(1)
    .max(365)
    .optional()
    .describe(`So many times 24 hours before \`until\`, ${DEFAULT_DAYS} unless \`since\` is given.`),
  min_actions: z.coerce
    .number()
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .default(1)
    .describe("Leaves out who has fewer requests."),
};
const SUMS =
  "`requests`, `succeeded`, `failed`, `by_kind`, `quota_violations`, `first_activity` and `last_activity` (of the events that are still there), `mean_ms` and `p95_ms` (within 5 %), tokens, `cost_micros`, `top_endpoints` (five)";

export const ACTIVITY_ROUTES: readonly Route[] = [
  route({
    ...READING,
    path: "/admin/audit-logs/users",
    query: z.object({
      ...WINDOW,
      bucket: z
        .enum(["hour", "day"])
        .optional()
        .describe("Sums by hour or day (UTC) too, as `buckets` of each user."),
      limit: z.coerce.number().int().min(1).max(MAX_FACETS).default(100).describe("Users to show."),
    }),
    about: `What each user did, those with the most requests first, and how many they are (\`total_users\`): ${SUMS}, \`unique_sessions\`. Sums are exact, also beyond retention; where \`looked_back_to\` is no null, latencies and sessions are of the events since then.`,
    answer: async (call) => {
      const { bucket, limit } = call.query;
      const question = questionOf(call, "user_id", bucket === undefined ? null : BUCKETS_MS[bucket], limit);
      return usersJson(await call.reader.activity(question), question);
    },
  }),
  route({
    ...READING,
    path: "/admin/audit-logs/sessions",
    query: z.object({
      ...WINDOW,
      limit: z.coerce.number().int().min(1).max(MAX_FACETS).default(100).describe("Sessions to show."),
    }),
    about: `What was done in each session, the latest first, and how many they are (\`total_sessions\`): \`user_ids\`, ${SUMS}. Of the events that are still there; where \`looked_back_to\` is no null, of those since then.`,
    answer: async (call) => {
      const question = questionOf(call, "session_id", null, call.query.limit);
      return sessionsJson(await call.reader.activity(question), question);
    },
  }),
];

type Asked = { readonly days?: number | undefined; readonly min_actions: number };

function questionOf(
  call: Call<Asked, unknown>,
  by: ActivityQuestion["by"],
  bucketMs: number | null,
  limit: number,
): ActivityQuestion {
  const { parts, search, audit, query } = call;
  const now = parts.now();
  const asked = withinReach(holderOf(call), parseFilter(search, now));
  const names = filterNames(asked);
  if (names.length > 0) audit?.note({ metadata: { filters: names.join(",") } });
  if (query.days !== undefined && asked.since !== undefined)
    throw new DaybookError("bad_query", "days and since both say where to begin: one is enough.");
  const since = Math.max(0, (asked.until ?? now) - (query.days ?? DEFAULT_DAYS) * DAY_MS);
  const filter = bounded({ since, ...asked }, now);
  const buckets = bucketMs === null ? 0 : (filter.until - filter.since) / bucketMs;
  if (buckets > MAX_BUCKETS || buckets * limit > MAX_ALL_BUCKETS)
    throw new DaybookError(
      "bad_query",
      "bucket cuts this time into too many: take day, a lower limit, or fewer days.",
    );
  return { filter, by, minRequests: query.min_actions, limit, bucketMs };
}
