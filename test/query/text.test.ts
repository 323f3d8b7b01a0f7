import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { grammarModule } from "../../scripts/grammar.ts";
import { DaybookError } from "../../src/event/errors.ts";
import type { EventFilter } from "../../src/query/filter.ts";
import { canonicalGlob } from "../../src/query/glob.ts";
import { parseFilter, writeFilter } from "../../src/query/parameters.ts";
import { parseText, writeText } from "../../src/query/text.ts";

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);

function refusal(text: string): [detail: string, at: unknown] {
  try {
    parseText(text, NOW);
  } catch (error) {
    assert.ok(error instanceof DaybookError, String(error));
    assert.equal(error.code, "bad_query");
    return [error.detail, (error.cause as { at?: number } | undefined)?.at];
  }
  return assert.fail(`${text} was not refused`);
}

test("the parser is made of its grammar (else run: npm run grammar)", () => {
  const file = new URL("../../src/query/text-grammar.ts", import.meta.url);
  assert.equal(readFileSync(file, "utf8"), grammarModule());
});

test("the parser makes no code at run time, which the dashboard's policy forbids", () => {
  assert.doesNotMatch(grammarModule(), /\beval\b|new Function/);
});

const READ: readonly [text: string, filter: EventFilter][] = [
  ["", { where: {} }],
  ["  status:error\tmodel:claude-*  ", { where: { status: ["error"], model: [{ glob: "claude-*" }] } }],
  ["status:(error timeout)", { where: { status: ["error", "timeout"] } }],
  ["status:error status:timeout", { where: { status: ["error", "timeout"] } }],
  ["-model:gpt-*", { where: {}, not: { model: [{ glob: "gpt-*" }] } }],
  ["model!=a -model!=b", { where: { model: ["b"] }, not: { model: ["a"] } }],
  ["tokens>1000", { where: {}, within: { total_tokens: { least: 1001 } } }],
  ["tokens >= 10 tokens<20", { where: {}, within: { total_tokens: { least: 10, most: 19 } } }],
  ["tokens:>5", { where: {}, within: { total_tokens: { least: 6 } } }],
  ["-tokens>5", { where: {}, not: { total_tokens: [{ least: 6 }] } }],
  ["status_code:(400..499 503)", { where: { status_code: [{ least: 400, most: 499 }, 503] } }],
  ["duration:..100", { where: { duration_ms: [{ most: 100 }] } }],
  ["since:2h until:2026-01-31T13:00:00+01:00", { where: {}, since: NOW - 7_200_000, until: NOW }],
  ["since:2026-01-30 until:2026-01-30", { where: {}, since: NOW - 129_600_000, until: NOW - 43_200_001 }],
  ["recorded_at>=2h", { where: {}, since: NOW - 7_200_000 }],
  ["timestamp<2026-01-31", { where: {}, within: { timestamp: { most: NOW - 43_200_001 } } }],
  ["endpoint:/v1/chat/completions", { where: { endpoint: ["/v1/chat/completions"] } }],
  ['name:"read file" model:""', { where: { name: ["read file"], model: [null] } }],
  ['-model:""', { where: {}, not: { model: [null] } }],
  ['user:DOM\\bob user:"a\\"b" user:a\\*b', { where: { user_id: ["DOM\\bob", 'a"b', "a*b"] } }],
  ['rate "no such" -gpt', { where: {}, text: ["rate", "no such"], notText: ["gpt"] }],
  ["::1 10.0.0.1", { where: {}, text: ["::1", "10.0.0.1"] }],
  ["policy:denied", { where: { policy_decision: ["deny"] } }],
  ["tool:x", { where: { action: ["tool"], name: ["x"] } }],
  ["success:false", { where: {}, not: { status: ["success"] } }],
  ["-success:false", { where: { status: ["success"] } }],
  ["STATUS:error include:system", { where: { status: ["error"] }, includeSystem: true }],
];

for (const [text, filter] of READ) {
  test(`the text ${JSON.stringify(text)} is understood`, () => {
    assert.deepEqual(parseText(text, NOW), filter);
    assert.deepEqual(parseText(writeText(filter), 0), filter, "written and read again");
  });
}

const REFUSED: readonly [text: string, detail: RegExp, at: number | undefined][] = [
  ["status:error modle:x", /^At 14: There is no "modle"\. Did you mean model\?/, 13],
  ["model:", /^At 7: Expected a value, not the end/, 6],
  ["model: x", /^At 7: Expected a value, not " x"/, 6],
  ["status:(error", /^At 14: Expected a value or "\)", not the end/, 13],
  ["status:()", /^At 9: Expected a value/, 8],
  ["a )", /^At 3: Expected/, 2],
  ["- a", /^At 2: Expected a name or a word, not " a"/, 1],
  ['model:"x', /^At 7: The quote that begins here has no end/, 6],
  ["llama3:8b", /put it in quotes/, 0],
  ["status:eror", /^At 1: No event can have status "eror"/, 0],
  ["x tokens>many", /^At 3: total_tokens must be a whole number/, 2],
  ["model>3", /^At 1: model is no number/, 0],
  ["tokens<0", /^At 1: total_tokens cannot be < "0"/, 0],
  ["tokens>5 tokens<5", /^At 10: total_tokens cannot be at least 6 and at most 4/, 9],
  ["tokens:9..3", /ends before it begins/, 0],
  ["-since:2h", /^At 1: since cannot be turned round/, 0],
  ["since:2h since:3h", /^since is given 2 times/, undefined],
  ["metadata:x", /metadata holds JSON/, 0],
  [`model:${"*".repeat(17)}`, /at most 16 stars/, 0],
  ["x".repeat(501), /^At 1: text takes at most 500 characters/, 0],
  [`model:${"x".repeat(1000)}*`, /at most 1000 characters with a star/, 0],
  [
    Array.from({ length: 201 }, (_, index) => `w${index}`).join(" "),
    /at most 200 stars, ranges and words/,
    undefined,
  ],
  ["x".repeat(8193), /at most 8192 characters/, undefined],
];

for (const [text, detail, at] of REFUSED) {
  test(`the text ${JSON.stringify(text.slice(0, 40))} is refused, saying where and why`, () => {
    const [told, where] = refusal(text);
    assert.match(told, detail);
    assert.equal(where, at);
  });
}

/** Filters as the codecs read them: each part in its one form. */
function anyWritten(): fc.Arbitrary<EventFilter> {
  const instant = fc.integer({ min: 0, max: 4_000_000_000_000 });
  const people = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
    .filter((text) => /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u.test(text));
  const range = fc.tuple(fc.maxSafeNat(), fc.maxSafeNat(), fc.nat(2)).map(([a, b, ends]) => {
    const [least, most] = [Math.min(a, b), Math.max(a, b)];
    return [{ least, most }, { least }, { most }][ends] ?? {};
  });
  const glob = fc
    .array(fc.string({ unit: "grapheme", maxLength: 5 }), { minLength: 2, maxLength: 4 })
    .map((parts) => ({ glob: canonicalGlob(parts.join("*")) }))
    .filter(({ glob }) => /(?<!\\)(?:\\\\)*\*/.test(glob));
  const several = <T>(one: fc.Arbitrary<T>) =>
    fc.uniqueArray(one, { minLength: 1, maxLength: 3, selector: (match) => JSON.stringify(match) });
  const where = fc.record(
    {
      model: several(fc.option(fc.oneof(fc.stringMatching(/^[A-Za-z0-9._:/@+-]{1,20}$/), glob))),
      user_id: several(fc.oneof(people, glob)),
      streaming: several(fc.option(fc.boolean())),
      total_tokens: several(fc.oneof(fc.maxSafeNat(), range)),
      timestamp: several(fc.oneof(instant)),
    },
    { requiredKeys: [] },
  );
  const some = <T extends object>(part: fc.Arbitrary<T>) =>
    part.filter((value) => Object.keys(value).length > 0);
  const words = several(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).filter((text) => text !== ""),
  );
  return fc
    .record(
      {
        where,
        not: some(where),
        within: some(
          fc.record(
            { total_tokens: range, timestamp: instant.map((least) => ({ least })) },
            { requiredKeys: [] },
          ),
        ),
        text: words,
        notText: words,
        since: instant,
        includeSystem: fc.constant(true as const),
      },
      { requiredKeys: ["where"] },
    )
    .map((filter) => structuredClone(filter));
}

test("a written filter reads back as it was, as text and as parameters, whatever the time", () => {
  fc.assert(
    fc.property(anyWritten(), fc.nat(), (filter, now) => {
      assert.deepEqual(parseText(writeText(filter), now), filter);
      assert.deepEqual(parseFilter(new URLSearchParams(writeFilter(filter).toString()), now), filter);
    }),
    { numRuns: 500 },
  );
});

test("no text makes the parser fail with anything but a refusal", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "status:",
      "tokens>",
      "(",
      ")",
      '"',
      "-",
      " ",
      "\\",
      "model=",
      "!=",
      "..",
      "since:2h",
      "*",
    ),
    fc.string({ unit: "binary", maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        parseText(pieces.join(""), NOW);
      } catch (error) {
        assert.ok(error instanceof DaybookError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
