// What many policies say together, and that the index finds what a look at each would find.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { matchesGlob } from "../../src/gateway/globs.ts";
import { policyProblem } from "../../src/policy/check.ts";
import { Conditions } from "../../src/policy/conditions.ts";
import { PolicyIndex } from "../../src/policy/index-of-policies.ts";
import { DIMENSION_NAMES, type Dimension } from "../../src/policy/policy.ts";
import { PolicySet } from "../../src/policy/policy-set.ts";
import type { Question } from "../../src/policy/question.ts";
import { NOTHING, policy, toolCall } from "./questions.ts";

test("without a policy that says something the decision is n/a", () => {
  const set = new PolicySet([
    policy("other", { match: { model: "claude-*" }, effect: "deny" }),
    policy("false", { when: "stream", effect: "deny" }),
  ]);
  assert.deepEqual(set.decide({ ...NOTHING, model: "gpt-4o" }), {
    decision: "n/a",
    reason: null,
    policies: [],
  });
});

test("the first that denies wins, over all that allow or warn; those that hold are named in order", () => {
  const set = new PolicySet([
    policy("all", { effect: "allow", reason: "Known." }),
    policy("large", { when: "request_size > 10", effect: "warn" }),
    policy("no-gpt", { match: { model: "gpt-*" }, effect: "deny", reason: "Not this one." }),
    policy("later", { match: { model: ["gpt-4*", "gpt-*"] }, effect: "deny" }),
  ]);
  const ask = (model: string, requestSize: number) => set.decide({ ...NOTHING, model, requestSize });
  assert.deepEqual(ask("o1", 1), { decision: "allow", reason: "Known.", policies: ["all"] });
  assert.deepEqual(ask("o1", 11), {
    decision: "warn",
    reason: "Policy large warns of this.",
    policies: ["all", "large"],
  });
  assert.deepEqual(ask("gpt-4o", 11), {
    decision: "deny",
    reason: "Not this one.",
    policies: ["all", "large", "no-gpt"],
  });
});

test("what cannot be decided is denied, whatever its effect, and nothing of the request is told", () => {
  const set = new PolicySet([
    policy("p", { match: { kind: "mcp" }, when: "int(arguments.secret) == 1", effect: "allow" }),
  ]);
  assert.deepEqual(set.decide(toolCall("t", { secret: "hunter2" })), {
    decision: "deny",
    reason: "Policy p could not be decided (int_conversion_error); what cannot be decided is denied.",
    policies: ["p"],
  });
});

test("as many names as an event can hold, and always the one that denied", () => {
  const many = Array.from({ length: 100 }, (_, index) =>
    policy(`${"w".repeat(60)}-${index}`, { effect: "warn" }),
  );
  const { policies } = new PolicySet([...many, policy("last", { effect: "deny" })]).decide(NOTHING);
  assert.deepEqual([policies.length, policies.at(-2), policies.at(-1)], [49, "last", "+53"]);
  assert.ok(JSON.stringify(policies).length < 4096);
});

test("names of megabytes are not matched with globs, one after the other", () => {
  const set = new PolicySet([policy("any", { match: { name: "*x*" }, effect: "warn" })]);
  const long = toolCall("x".repeat(1_000_000));
  assert.deepEqual(set.decide(long), {
    decision: "deny",
    reason: "The name of what is asked for is too long for policies to judge.",
    policies: [],
  });
  assert.equal(set.decide(toolCall("x".repeat(8192))).decision, "warn");
  assert.equal(new PolicySet([]).decide(long).decision, "n/a");
});

test("policies that could not work are refused", () => {
  const conditions = new Conditions();
  const problem = (given: Parameters<typeof policy>[1]) => policyProblem(policy("p", given), conditions);
  assert.equal(problem({ match: { kind: "mcp" }, when: "has(arguments.x)", effect: "deny" }), null);
  assert.match(problem({ when: "has(arguments.x)", effect: "deny" })?.sentence ?? "", /match kind: mcp/);
  assert.match(problem({ when: "nonsense", effect: "deny" })?.sentence ?? "", /Unknown variable/);
  const long = Array.from({ length: 100 }, (_, index) => `${"x".repeat(100)}${index}`);
  assert.match(problem({ match: { model: long }, effect: "deny" })?.sentence ?? "", /at most 6000 bytes/);
});

test("the index finds what a look at each policy finds, in order", () => {
  const texts = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 4 });
  const globs = fc.string({ unit: fc.constantFrom("a", "b", "*"), minLength: 1, maxLength: 4 });
  const match = fc.dictionary(
    fc.constantFrom("name", "model", "user", "server", "profile") as fc.Arbitrary<Dimension>,
    fc.array(globs, { minLength: 1, maxLength: 3 }),
    { maxKeys: 3 },
  );
  const value = fc.option(texts);
  const asked = fc.record({ name: value, model: value, userId: value, server: value, profile: value });
  const of = (question: Question, dimension: Dimension) =>
    dimension === "user" ? question.userId : dimension === "key" ? question.apiKeyId : question[dimension];
  fc.assert(
    fc.property(fc.array(match, { maxLength: 30 }), asked, (matches, values) => {
      const question = { ...NOTHING, ...values };
      const expected = matches.flatMap((each, position) =>
        DIMENSION_NAMES.every((dimension) => {
          const wanted = each[dimension];
          const is = of(question, dimension);
          return wanted === undefined || (is !== null && wanted.some((glob) => matchesGlob(glob, is)));
        })
          ? [position]
          : [],
      );
      assert.deepEqual(new PolicyIndex(matches.map((each) => ({ match: each }))).find(question), expected);
    }),
    { numRuns: 1000 },
  );
});
