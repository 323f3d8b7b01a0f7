// What is built to hold the thread is refused when it is written, or stopped within the budget of its request: counted
// in units of work, so that a slow machine makes no difference; and other requests are decided as ever.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Conditions } from "../../src/policy/conditions.ts";
import { BUDGET } from "../../src/policy/meter.ts";
import { PolicySet } from "../../src/policy/policy-set.ts";
import { policy, toolCall } from "./questions.ts";

const A = "a".repeat(1_000_000);
const LIST = Array.from({ length: 100_000 }, (_, index) => index);
const nested = (depth: number) => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`) as unknown;

/** Condition, arguments, bytes of the request. */
const HOSTILE: Readonly<Record<string, readonly [string, unknown, number?]>> = {
  "a pattern with nested repetition": ['arguments.s.matches("(a+)+$")', { s: `${A}b` }],
  "a pattern that defeats the automaton": [
    `arguments.s.matches("${"a?".repeat(80)}${"a".repeat(80)}$")`,
    { s: `${A.slice(0, 20_000)}b` },
  ],
  "comprehensions within one another": [
    "arguments.l.all(x, arguments.l.all(y, arguments.l.all(z, x + y + z >= 0.0)))",
    { l: LIST.slice(0, 500) },
  ],
  "comprehensions over lists that are written out": [
    `[${LIST.slice(0, 100)}].all(x, [${LIST.slice(0, 100)}].all(y, [${LIST.slice(0, 100)}].all(z, x + y + z >= 0)))`,
    {},
  ],
  "a comprehension over a long list": ["arguments.l.all(x, x >= 0)", { l: LIST }],
  "errors that another part passes over": [
    "arguments.l.exists(x, arguments.l.exists(y, x.absent == y)) || true",
    { l: LIST.slice(0, 1000) },
  ],
  "comparisons of long lists, again and again": [
    "arguments.l.all(x, arguments.l == arguments.m)",
    { l: LIST, m: LIST },
  ],
  "searches in a long text": [
    "arguments.l.exists(x, arguments.s.contains(x))",
    { l: Array(1000).fill("ab"), s: A },
  ],
  "a search that goes back and forth": [
    "arguments.s.contains(arguments.t)",
    { s: A, t: `${A.slice(0, 2000)}b${A.slice(0, 2000)}` },
  ],
  "texts that double": [`["${"x".repeat(1000)}"]${".map(x, x + x)".repeat(20)}.size() == 1`, {}],
  "a text of megabytes": ['arguments.s.lowerAscii() == "a"', { s: A.repeat(10) }],
  "many members": [
    "arguments.m.all(key, key != '')",
    { m: Object.fromEntries(LIST.map((each) => [`k${each}`, each])) },
  ],
  "more members than can be looked at": [
    "has(arguments.path)",
    Object.fromEntries(LIST.map((each) => [`k${each}`, each])),
  ],
  "a giant call": ["arguments.n == 1", { n: 1 }, 30_000_000],
};

for (const [name, [when, given, requestSize = 1000]] of Object.entries(HOSTILE)) {
  test(`${name} is stopped, and the request denied`, () => {
    const conditions = new Conditions();
    const hostile = policy("hostile", { match: { kind: "mcp", name: "bad" }, when, effect: "warn" });
    const good = policy("good", {
      match: { kind: "mcp", name: "good" },
      when: 'user == "ana"',
      effect: "allow",
    });
    assert.equal(typeof conditions.compile(when), "object", String(conditions.compile(when)));
    const set = new PolicySet([hostile, good], conditions);
    const before = process.cpuUsage();
    const answer = set.decide(toolCall("bad", given, { requestSize }));
    const { user, system } = process.cpuUsage(before);
    assert.deepEqual(answer, {
      decision: "deny",
      reason: "Policy hostile could not be decided (too_costly); what cannot be decided is denied.",
      policies: ["hostile"],
    });
    // Nothing near it: 20 ms of work, in a process that compiles what it runs meanwhile.
    assert.ok(user + system < 500_000, `${user + system} µs of work`);
    assert.equal(set.decide(toolCall("good", given, { userId: "ana" })).decision, "allow");
  });
}

test("all policies of a request share one budget", () => {
  const conditions = new Conditions();
  const policies = Array.from({ length: 50 }, (_, index) =>
    policy(`p${index}`, {
      match: { kind: "mcp" },
      when: `arguments.s.contains("x${index}")`,
      effect: "warn",
    }),
  );
  const set = new PolicySet(policies, conditions);
  const { decision, reason } = set.decide(toolCall("t", { s: A }));
  assert.equal(decision, "deny");
  assert.match(reason ?? "", /^Policy p3 could not be decided \(too_costly\)/);
  assert.ok(conditions.meter.spent < 2 * BUDGET);
});

test("calls that are asked for at once share one budget too", () => {
  const conditions = new Conditions();
  const hostile = policy("hostile", {
    match: { kind: "mcp", name: "bad" },
    when: 'arguments.s.contains("x")',
    effect: "warn",
  });
  const set = new PolicySet([hostile], conditions);
  const spent = { units: 0 };
  let all = 0;
  const answers = Array.from({ length: 1000 }, () => {
    const before = spent.units;
    const { decision } = set.decide(toolCall("bad", { s: A }), spent);
    all += spent.units - before;
    return decision;
  });
  assert.deepEqual([answers[0], answers.at(-1)], ["n/a", "deny"]);
  assert.ok(all < 2 * BUDGET, `${all} units`);
  assert.equal(set.decide(toolCall("bad", { s: "x" })).decision, "warn");
});

test("arguments that nest without end are seen as deep as conditions need", () => {
  const conditions = new Conditions();
  const shallow = new PolicySet(
    [policy("p", { match: { kind: "mcp" }, when: 'arguments.path == "/x"', effect: "deny" })],
    conditions,
  );
  assert.equal(shallow.decide(toolCall("t", { path: "/x", deep: nested(5000) })).decision, "deny");
  const deep = new PolicySet(
    [policy("p", { match: { kind: "mcp" }, when: "arguments.deep == arguments.other", effect: "warn" })],
    conditions,
  );
  assert.match(
    deep.decide(toolCall("t", { deep: nested(5000), other: nested(5000) })).reason ?? "",
    /could not be decided \(unsupported_type\)/,
  );
});

test("what a condition costs grows with what it is given, and ordinary ones cost next to nothing", () => {
  const conditions = new Conditions();
  const spentBy = (when: string, given: unknown) => {
    new PolicySet([policy("p", { match: { kind: "mcp" }, when, effect: "warn" })], conditions).decide(
      toolCall("t", given),
    );
    return conditions.meter.spent;
  };
  const path = { path: "/home/ana/notes.txt", content: "a".repeat(10_000) };
  assert.ok(spentBy('arguments.path.startsWith("/etc/") || arguments.path.matches("^/root")', path) < 100);
  assert.ok(spentBy('arguments.content.contains("secret")', path) < 1000);
  const all = "arguments.l.all(x, x >= 0)";
  const [small, large] = [spentBy(all, { l: LIST.slice(0, 100) }), spentBy(all, { l: LIST.slice(0, 1000) })];
  assert.ok(large > 8 * small && large < 11 * small, `${small} ${large}`);
});
