// Answers of ours in an array that streams past: whatever chunks it comes in.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BatchAnswer, batchOf } from "../../src/protocols/mcp-batch.ts";

const OURS = ['{"id":7}', '{"id":8}'];

/** What goes on of `text`, cut at each of `cuts`. */
function spliced(text: string, cuts: readonly number[], alone: "wrap" | "leave", ours = OURS): string | null {
  const answer = new BatchAnswer(alone);
  const bytes = Buffer.from(text);
  const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
  const passed = places.slice(1).map((end, index) => answer.feed(bytes.subarray(places[index], end)));
  const rest = answer.end(ours);
  return rest === null ? null : Buffer.concat([...passed, rest]).toString();
}

const cuts = fc.array(fc.nat(200), { maxLength: 8 });

test("an array has ours at its end, whatever is in it", () => {
  const space = fc.constantFrom("", " ", "\n", "\r\n\t");
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { maxLength: 5 }),
      space,
      space,
      cuts,
      (values, before, after, at) => {
        const text = `${before}${JSON.stringify(values, null, before.length)}${after}`;
        const whole = JSON.parse(spliced(text, at, "leave") ?? "") as unknown[];
        assert.deepEqual(whole, [...(JSON.parse(text) as unknown[]), { id: 7 }, { id: 8 }]);
        assert.deepEqual(JSON.parse(spliced(text, at, "leave", []) ?? ""), JSON.parse(text));
      },
    ),
  );
});

test("a bracket and space at the end of a chunk are kept where they are within a text", () => {
  const values = ["a ]  b", '\\"] '];
  const text = JSON.stringify(values);
  for (let at = 0; at <= text.length; at++)
    assert.deepEqual(JSON.parse(spliced(text, [at], "leave") ?? ""), [...values, { id: 7 }, { id: 8 }]);
});

test("an answer alone becomes one of several, or is let be", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), cuts, (value, at) => {
      const text = ` ${JSON.stringify(value)}\n`;
      assert.deepEqual(JSON.parse(spliced(text, at, "wrap") ?? ""), [JSON.parse(text), { id: 7 }, { id: 8 }]);
      assert.equal(spliced(text, at, "leave"), null);
    }),
  );
});

test("where nothing comes, ours are all; what broke off takes none", () => {
  assert.equal(spliced("", [], "wrap"), `[${OURS}]`);
  assert.equal(spliced('[{"id":1}', [], "leave"), null);
  assert.equal(batchOf(["1", "2"]).toString(), "[1,2]");
});
