// People and sessions over the API: what each did, within one's reach.
import assert from "node:assert/strict";
import { test } from "node:test";
import { failed } from "../../src/event/outcomes.ts";
import type { SessionsJson, UsersJson } from "../../src/read/activity-json.ts";
import { type Past, START } from "../read/trail.ts";
import { serveApi, TOKENS } from "./served-api.ts";

const PAST: readonly Past[] = [
  { userId: "ann", sessionId: "s1", endpoint: "/v1/chat/completions", durationMs: 100, totalTokens: 7 },
  { userId: "ann", sessionId: "s2", endpoint: "/v1/embeddings", outcome: failed("timeout") },
  { userId: "bob", sessionId: "s2", kind: "mcp", action: "tool", quotaViolation: "daily_cost" },
  { endpoint: "/v1/chat/completions" },
];
const served = () => serveApi(PAST, { now: () => START + 3_600_000 });

test("users and sessions have their sums; anonymous requests are nobody's and in no session", async () => {
  await using api = await served();
  const { users, total_users, looked_back_to } = (await api.ask("/admin/audit-logs/users?bucket=hour"))
    .json as UsersJson;
  assert.deepEqual([total_users, looked_back_to], [2, null]);
  assert.deepEqual(
    users.map(
      ({ user_id, requests, succeeded, failed: failures, by_kind, quota_violations, unique_sessions }) => [
        user_id,
        [requests, succeeded, failures],
        by_kind,
        quota_violations,
        unique_sessions,
      ],
    ),
    [
      ["ann", [2, 1, 1], { inference: 2 }, 0, 2],
      ["bob", [1, 1, 0], { mcp: 1 }, 1, 1],
    ],
  );
  assert.deepEqual(users[0]?.buckets, [
    { from: "2026-01-31T12:00:00.000Z", requests: 2, failed: 1, total_tokens: 7, cost_micros: 0 },
  ]);
  const { sessions } = (await api.ask("/admin/audit/sessions?days=1")).json as SessionsJson;
  assert.deepEqual(
    sessions.map(({ session_id, user_ids, requests, first_activity }) => [
      session_id,
      user_ids,
      requests,
      first_activity,
    ]),
    [
      ["s2", ["ann", "bob"], 2, "2026-01-31T12:00:01.000Z"],
      ["s1", ["ann"], 1, "2026-01-31T12:00:00.000Z"],
    ],
  );
  const busy = (await api.ask("/admin/audit/users?min_actions=2")).json as UsersJson;
  assert.deepEqual([busy.total_users, busy.users.map(({ user_id }) => user_id)], [1, ["ann"]]);
});

test("what cannot be asked is refused, and who may read no others' events is told so", async () => {
  await using api = await served();
  for (const wrong of ["days=0", "days=366", "days=1&since=2h", "bucket=week", "min_actions=0", "limit=1001"])
    assert.equal((await api.ask(`/admin/audit-logs/users?${wrong}`)).status, 400, wrong);
  assert.equal((await api.ask("/admin/audit-logs/users?days=365&bucket=hour")).status, 400);
  for (const path of ["users", "sessions"])
    assert.equal((await api.ask(`/admin/audit-logs/${path}`, { token: TOKENS.viewer })).status, 403);
});
