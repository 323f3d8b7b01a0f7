// What policies would have said of the trail: the same as was said where enough is kept, and `unknown` where it is not.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson } from "../../src/event/canonical.ts";
import { blankRow } from "../../src/event/encode.ts";
import { type AuditEvent, eventOf } from "../../src/event/fields.ts";
import { redact } from "../../src/event/redaction.ts";
import { DryRun, hindsight } from "../../src/policy/dry-run.ts";
import { PolicySet } from "../../src/policy/policy-set.ts";
import { policy, toolCall } from "./questions.ts";

function event(more: Partial<AuditEvent>): AuditEvent {
  return {
    ...eventOf(blankRow()),
    kind: "inference",
    action: "chat",
    policy_decision: "n/a",
    caller: "http",
    ...more,
  };
}

function callEvent(
  given: unknown,
  mode: "none" | "shape" | "redacted",
  more: Partial<AuditEvent> = {},
): AuditEvent {
  const { json, redactions, truncated } = redact(given, { mode });
  const kept = { input_json: json, redactions, truncated };
  return event({ kind: "mcp", action: "tool", name: "write", provider: "files", ...kept, ...more });
}

const MCP = { kind: "mcp" } as const;

test("a call whose arguments are kept is judged as it was", () => {
  const set = new PolicySet([
    policy("etc", {
      match: { ...MCP, server: "files" },
      when: 'arguments.path.startsWith("/etc/")',
      effect: "deny",
    }),
    policy("user", { match: { user: "ana" }, effect: "warn" }),
  ]);
  const would = (path: string, user: string | null) =>
    hindsight(set, callEvent({ path, n: 1 }, "redacted", { user_id: user }))?.decision;
  assert.deepEqual(
    [would("/etc/x", "ana"), would("/home", "ana"), would("/home", "eva"), would("/home", null)],
    ["deny", "warn", "n/a", "n/a"],
  );
});

test("what the trail does not keep is unknown, unless it makes no difference", () => {
  const decided = (given: Parameters<typeof policy>[1][], of: AuditEvent) =>
    hindsight(new PolicySet(given.map((each, index) => policy(`p${index}`, each))), of)?.decision;
  const chat = event({ model: "gpt-4o" });
  const large = { when: "max_tokens > 100", effect: "deny" } as const;
  assert.equal(decided([large], chat), "unknown");
  assert.equal(decided([{ ...large, when: 'max_tokens > 100 && model == "o1"' }], chat), "n/a");
  assert.equal(decided([large, { effect: "deny" }], chat), "deny");
  assert.equal(decided([{ ...large, effect: "allow" }, { effect: "warn" }], chat), "unknown");
  assert.equal(decided([large, { effect: "warn" }], chat), "unknown");
  assert.equal(decided([{ when: "tools > 0 || request_size > 1", effect: "warn" }], chat), "unknown");
  const asksArguments = { match: MCP, when: 'arguments.path == "/x"', effect: "deny" } as const;
  assert.equal(decided([asksArguments], callEvent({ path: "/x" }, "none")), "unknown");
  assert.equal(decided([asksArguments], callEvent({ path: "/x", n: 1 }, "shape")), "unknown");
  assert.equal(decided([asksArguments], callEvent({ path: "/x", n: 1 }, "redacted")), "deny");
  const asksSecret = { match: MCP, when: 'arguments.password == "x"', effect: "deny" } as const;
  assert.equal(decided([asksSecret], callEvent({ password: "x", n: 1 }, "redacted")), "unknown");
  const asksText = { match: MCP, when: 'arguments.text.endsWith("z")', effect: "deny" } as const;
  assert.equal(decided([asksText], callEvent({ text: `${"a".repeat(100_000)}z` }, "redacted")), "unknown");
  assert.equal(
    decided([{ match: MCP, when: "arguments.x > 1.0", effect: "deny" }], callEvent({ x: 1.5 }, "redacted")),
    "unknown",
  );
});

test("what was refused before policies are asked is none of theirs", () => {
  const set = new PolicySet([policy("all", { effect: "deny" })]);
  const dryRun = new DryRun(set);
  dryRun.add(event({ error_code: "unauthorized" }));
  dryRun.add(event({ error_code: "not_found" }));
  dryRun.add(event({ kind: "mcp", action: "list" }));
  dryRun.add(event({ kind: "api", action: "request" }));
  dryRun.add(event({ error_code: "limit_exceeded" }));
  dryRun.add(event({ error_code: "policy_denied", policy_decision: "deny" }));
  const { judged, notAsked, changed, unchanged, transitions, examples } = dryRun.totals;
  assert.deepEqual([judged, notAsked, changed, unchanged], [2, 4, 1, 1]);
  assert.deepEqual(transitions, [{ was: "n/a", wouldBe: "deny", count: 1 }]);
  assert.deepEqual(
    examples.map(({ would }) => would),
    [{ decision: "deny", reason: "Policy all denies this.", policies: ["all"] }],
  );
});

test("hindsight never contradicts what was decided", () => {
  const whens = fc.constantFrom(
    "max_tokens > 10",
    'arguments.a == "x"',
    "arguments.b > 1",
    "has(arguments.a) && arguments.a.size() > 3",
    "arguments.c.d.exists(each, each == 2)",
    'arguments.exists(key, key == "token")',
    'arguments.token == "t"',
    "request_size > 5",
    "true",
    'user == "ana"',
  );
  const effects = fc.constantFrom("deny", "warn", "allow");
  const policies = fc.array(fc.record({ when: whens, effect: effects }), { minLength: 1, maxLength: 4 });
  const given = fc.record(
    {
      a: fc.constantFrom("x", "long", "[REDACTED]", 5),
      b: fc.constantFrom(1, 2, 1.5, "2", 2 ** 60),
      c: fc.constantFrom({ d: [1, 2] }, { d: 1 }, []),
      token: fc.constantFrom("t", "u"),
    },
    { requiredKeys: [] },
  );
  let known = 0;
  fc.assert(
    fc.property(policies, given, fc.constantFrom("none", "shape", "redacted"), (rules, args, mode) => {
      const set = new PolicySet(rules.map((rule, index) => policy(`p${index}`, { match: MCP, ...rule })));
      const asked = toolCall("write", args, { userId: "ana", requestSize: canonicalLength(args) });
      const { decision } = set.decide(asked);
      const would = hindsight(set, callEvent(args, mode, { user_id: "ana" }))?.decision;
      if (would === "unknown") return;
      assert.equal(would, decision);
      known++;
    }),
    { numRuns: 2000 },
  );
  assert.ok(known > 200, `only ${known} were known`);
});

function canonicalLength(value: unknown): number {
  return canonicalJson(JSON.parse(JSON.stringify(value, (_, each) => (typeof each === "number" ? 1 : each))))
    .length;
}
