// A period in numbers, of a real store.
import assert from "node:assert/strict";
import { test } from "node:test";
import { failed } from "../../src/event/outcomes.ts";
import { openReader } from "../../src/read/reader.ts";
import { makeReport, periodOf } from "../../src/read/report.ts";
import { reportCsv, reportPage } from "../../src/read/report-text.ts";
import { makeTrail, NODE_ID, START } from "./trail.ts";

test("a report counts what happened in its period, and says that nothing is sealed while nothing is", async () => {
  await using trail = await makeTrail(
    { model: "demo", totalTokens: 5, costMicros: 7 },
    { model: "demo", outcome: failed("timeout") },
    {
      kind: "mcp",
      action: "tool",
      policyDecision: "deny",
      policyReason: "=not <allowed>",
      outcome: failed("policy_denied"),
    },
    { kind: "admin", action: "user_created" },
    { kind: "system", action: "gap" },
  );
  const reader = await openReader(trail.address);
  const bounds = periodOf("2026-01") ?? assert.fail("no period");
  const report = await makeReport(reader, "2026-01", bounds, START);
  const nothing = await makeReport(reader, "2025", periodOf("2025") ?? bounds, START);
  await reader.close();
  assert.deepEqual(
    [
      report.totals.total_requests,
      report.totals.total_tokens,
      report.totals.cost_micros,
      report.totals.failed,
    ],
    [4, 5, 7, 2],
  );
  assert.deepEqual(report.by_kind, { inference: 2, admin: 1, mcp: 1 });
  assert.deepEqual(report.by_model, { demo: 2 });
  assert.deepEqual(report.failures, { policy_denied: 1, timeout: 1 });
  assert.deepEqual(report.denials, { "=not <allowed>": 1 });
  assert.deepEqual(report.admin_changes, { user_created: 1 });
  assert.deepEqual(report.gaps, { gap: 1 });
  const nodes = [{ node_id: NODE_ID, events: 5, sealed: 0 }];
  assert.deepEqual(report.evidence, { state: "NOT_SEALED", nodes });
  assert.deepEqual([nothing.totals.total_requests, nothing.failures], [0, {}]);
  assert.match(reportCsv(report), /^denials,'=not <allowed>,1\r$/m);
  assert.match(reportPage(report), /=not &#60;allowed&#62;/);
  assert.doesNotMatch(reportPage(report), /<script|https?:/);
});

test("a period is a year, a month or a day that there is", () => {
  assert.deepEqual(periodOf("2026-02"), { since: Date.UTC(2026, 1), until: Date.UTC(2026, 2) - 1 });
  assert.deepEqual(periodOf("2024-02-29"), { since: Date.UTC(2024, 1, 29), until: Date.UTC(2024, 2, 1) - 1 });
  assert.deepEqual(periodOf("2026"), { since: Date.UTC(2026), until: Date.UTC(2027) - 1 });
  for (const text of ["2026-13", "2026-02-30", "october", "2026-1", ""])
    assert.equal(periodOf(text), null, text);
});
