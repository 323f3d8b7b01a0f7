import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "prom-client";
import { encodeRow } from "../../src/event/encode.ts";
import type { Facts, Kind } from "../../src/event/fields.ts";
import { answered, failed, type Outcome } from "../../src/event/outcomes.ts";
import { countEvents } from "../../src/server/event-metrics.ts";

type Given = Facts & { kind: Kind; action: string };

const CHAT: Given = {
  kind: "inference",
  action: "chat",
  endpoint: "/v1/chat/completions",
  policyDecision: "n/a",
  durationMs: 40,
};

function counting() {
  const registry = new Registry();
  const follow = countEvents(registry);
  return {
    tell: (facts: Given, outcome: Outcome) => follow(encodeRow(facts, outcome, { count: 0 })),
    async lines(name: string): Promise<string[]> {
      const text = await registry.metrics();
      return text.split("\n").filter((line) => line.startsWith(name) && !line.startsWith("#"));
    },
  };
}

test("counters are the sums over all events, by count, however often they are asked for", async () => {
  const { tell, lines } = counting();
  tell(
    { ...CHAT, count: 1, promptTokens: 10, completionTokens: 5, cachedTokens: 4, costMicros: 7 },
    answered(200),
  );
  tell({ ...CHAT, count: 3, promptTokens: 1, costMicros: 2, policyDecision: "warn" }, answered(200));
  tell({ ...CHAT, count: 2 }, failed("provider_unreachable"));
  tell({ kind: "admin", action: "key_create", count: 1, policyDecision: "n/a" }, answered(null));
  for (let asked = 0; asked < 2; asked++) {
    assert.deepEqual((await lines("daybook_events_total")).sort(), [
      'daybook_events_total{kind="admin",action="key_create",status="success"} 1',
      'daybook_events_total{kind="inference",action="chat",status="error"} 2',
      'daybook_events_total{kind="inference",action="chat",status="success"} 4',
    ]);
    assert.deepEqual(await lines("daybook_failures_total"), [
      'daybook_failures_total{kind="inference",error_code="provider_unreachable"} 2',
    ]);
    assert.deepEqual((await lines("daybook_tokens_total")).sort(), [
      'daybook_tokens_total{type="cached"} 4',
      'daybook_tokens_total{type="completion"} 5',
      'daybook_tokens_total{type="prompt"} 11',
    ]);
    assert.deepEqual(await lines("daybook_cost_micros_total"), ["daybook_cost_micros_total 9"]);
    assert.deepEqual(await lines("daybook_policy_decisions_total"), [
      'daybook_policy_decisions_total{decision="warn"} 3',
    ]);
    assert.deepEqual(await lines("daybook_admin_actions_total"), [
      'daybook_admin_actions_total{action="key_create"} 1',
    ]);
  }
  tell({ ...CHAT, count: 1 }, answered(200));
  assert.ok(
    (await lines("daybook_events_total")).includes(
      'daybook_events_total{kind="inference",action="chat",status="success"} 5',
    ),
  );
});

test("words that others make up are bounded: beyond a hundred they are `other`", async () => {
  const { tell, lines } = counting();
  for (let n = 0; n < 150; n++) tell({ ...CHAT, action: `a${n}`, count: 1 }, answered(200));
  const told = await lines("daybook_events_total");
  assert.equal(told.length, 101);
  assert.ok(told.includes('daybook_events_total{kind="inference",action="other",status="success"} 50'));
});
