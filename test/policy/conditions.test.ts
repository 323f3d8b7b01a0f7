// Conditions in CEL: what they can say, what is refused when they are written, and that paying for what they do changes
// nothing of what they mean.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Environment } from "@marcbachmann/cel-js";
import fc from "fast-check";
import { Conditions, codeOf } from "../../src/policy/conditions.ts";
import type { Question } from "../../src/policy/question.ts";
import { VARIABLES, Values } from "../../src/policy/variables.ts";
import { NOTHING, toolCall } from "./questions.ts";

const conditions = new Conditions();

/** Whether it holds, or the code of why that cannot be told. */
function told(text: string, question: Question): boolean | string {
  const condition = conditions.compile(text);
  if (typeof condition === "string") return `refused: ${condition}`;
  conditions.meter.start(question.requestSize);
  try {
    return condition.holds(new Values(question, conditions.meter));
  } catch (error) {
    return codeOf(error);
  }
}

const CALL = toolCall(
  "write_file",
  {
    path: "/etc/passwd",
    "dry-run": false,
    n: 3,
    nested: { list: [{ a: 1 }, { a: 2 }], none: null },
    text: 'it\'s "q"\n\\ ✓',
    names: ["x", "y"],
    __proto__x: 1,
  },
  { userId: "ana", apiKeyId: "key_1", profile: "prod" },
);

test("conditions over the arguments of a call", () => {
  const cases: readonly (readonly [string, boolean | string])[] = [
    ['arguments.path.startsWith("/etc/")', true],
    ['server == "files" && name in ["write_file", "delete_file"] && user == "ana"', true],
    ["arguments.n == 3 && arguments.n > 2 && arguments.n < 3.5", true],
    ["int(arguments.n) + 1 == 4", true],
    ['arguments["dry-run"] == false', true],
    ["has(arguments.nested.none) && arguments.nested.none == null", true],
    ["has(arguments.absent)", false],
    ["arguments.nested.list.exists(each, each.a == 2)", true],
    ["arguments.nested.list.all(each, each.a == 2)", false],
    ["arguments.nested.list.map(each, each.a) == [1, 2]", true],
    ["arguments.names.filter(each, each != 'x').size() == 1", true],
    ["arguments.exists(key, key.startsWith('dry'))", true],
    ['"path" in arguments && !("x" in arguments)', true],
    ['arguments.path.matches("^/(etc|usr)/.*wd$")', true],
    ['arguments.text == "it\'s \\"q\\"\\n\\\\ ✓"', true],
    ["arguments.names == ['x', 'y'] ? key == 'key_1' : false", true],
    ['arguments.path.contains("pass") && arguments.path.lowerAscii().endsWith("passwd")', true],
    ["arguments.absent == 1", "no_such_key"],
    ["arguments.absent == 1 || true", true],
    ["arguments.path > 1", "no_such_overload"],
    ["arguments.n", "not_boolean"],
    ["arguments.constructor == 1", "no_such_key"],
    ["has(arguments.__proto__)", false],
    ['name.matches("x") || !stream', true],
  ];
  for (const [text, expected] of cases) assert.equal(told(text, CALL), expected, text);
});

test("conditions over a request for inference", () => {
  const question = {
    ...NOTHING,
    model: "gpt-4o",
    route: "gpt-*",
    maxTokens: 5000,
    streaming: true,
    toolCount: 2,
  };
  const text =
    'kind == "inference" && model.startsWith("gpt-") && route == "gpt-*" && max_tokens > 4096 && stream && tools == 2';
  assert.equal(told(text, question), true);
  assert.equal(told("max_tokens == 0", NOTHING), true);
  assert.equal(told('model == "" && user == "" && arguments.size() == 0', NOTHING), true);
});

test("what is wrong with a condition is said when it is written", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['usr == "ana"', /^Unknown variable: usr \(at character 1\)$/],
    ['max_tokens > "a"', /^no such overload: int > string/],
    ["1 + 1", /true or false, and this is of type int/],
    ["model ==", /at character/],
    ["name.matches(arguments.pattern)", /pattern as a text that is written out/],
    ['name.matches("(a")', /syntax of RE2/],
    ['name.matches("(?=a)")', /syntax of RE2/],
    ['name.matches("(\\\\w{1,500}){3}x")', /syntax of RE2|too large/],
    [`name.matches("${"a".repeat(1001)}")`, /at most 1000/],
    ["timestamp(name) == timestamp(name)", /no function timestamp/],
    ['name.split(",") == []', /no method split/],
    ["cel.bind(x, name, x == name)", /no method bind/],
    ['b"x" == b"x"', /bytes are not part/],
    ['weigh__(name) == "x"', /weigh__/],
    ["[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))", /at most 3 within one another/],
    [`${"!".repeat(500)}stream`, /maxAstNodes|maxDepth/],
    [`${"(".repeat(60)}stream${")".repeat(60)}`, /maxDepth/],
    [`name in [${Array(300).fill('"a"').join(",")}]`, /maxListElements/],
  ];
  for (const [text, expected] of cases) {
    const refusal = conditions.compile(text);
    assert.equal(typeof refusal, "string", text);
    assert.match(String(refusal), expected, text);
  }
});

test("a condition that pays for what it does means what it meant", () => {
  const plain = new Environment();
  for (const [name, { type }] of Object.entries(VARIABLES)) plain.registerVariable(name, type);
  const number = fc.constantFrom(
    "1",
    "2.5",
    "arguments.n",
    "size(name)",
    "max_tokens",
    "tools",
    "arguments.absent",
  );
  const string = fc.constantFrom(
    "name",
    '"write_file"',
    "arguments.path",
    '"\\"\\\\\\n"',
    "arguments.names[0]",
  );
  const list = fc.constantFrom(
    "arguments.names",
    "[1, 2]",
    "arguments.nested.list",
    "[name, server]",
    "arguments",
  );
  const { condition } = fc.letrec<{ condition: string }>((tie) => ({
    condition: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom("stream", "true", "has(arguments.path)", "arguments.flag", '"path" in arguments'),
      fc.tuple(number, fc.constantFrom("==", "!=", "<", ">=", "in"), number).map((parts) => parts.join(" ")),
      fc.tuple(string, fc.constantFrom("==", "!=", "<"), string).map((parts) => parts.join(" ")),
      fc
        .tuple(string, fc.constantFrom("startsWith", "contains", "endsWith"), string)
        .map(([one, method, other]) => `${one}.${method}(${other})`),
      fc.tuple(string, string).map(([one, other]) => `${one} + ${other} == ${other} + ${one}`),
      fc.tuple(string, list).map((parts) => parts.join(" in ")),
      fc
        .tuple(list, fc.constantFrom("all", "exists", "exists_one"), tie("condition"))
        .map(([range, macro, body]) => `${range}.${macro}(each, each == 1 || ${body})`),
      list.map((range) => `${range}.map(each, each).filter(each, each != 2).size() > 0`),
      fc
        .tuple(tie("condition"), fc.constantFrom("&&", "||"), tie("condition"))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
      tie("condition").map((one) => `!(${one})`),
      fc
        .tuple(tie("condition"), tie("condition"), tie("condition"))
        .map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    ),
  }));
  let compared = 0;
  fc.assert(
    fc.property(condition, (text) => {
      const compiled = conditions.compile(text);
      if (typeof compiled === "string") return;
      conditions.meter.start(0);
      const values = new Values(CALL, conditions.meter);
      let expected: unknown;
      try {
        expected = plain.parse(text)(values);
      } catch (error) {
        expected = codeOf(error);
      }
      if (typeof expected !== "boolean" && typeof expected !== "string") expected = "not_boolean";
      assert.equal(told(text, CALL), expected, text);
      compared++;
    }),
    { numRuns: 1000 },
  );
  assert.ok(compared > 300, `only ${compared} were compared`);
});
