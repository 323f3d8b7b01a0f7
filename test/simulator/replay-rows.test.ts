import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseReplayRows, ReplayRowError } from "../../src/simulator/replay-rows.ts";

const HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens";
const ROW = "2023-11-16 18:15:46.6805900,374,44";

test("a row has its time as UTC, and its tokens", () => {
  assert.deepEqual(parseReplayRows(`${HEADER}\n${ROW}\n2024-02-29 23:59:59,0,1`), [
    { timestamp: Date.UTC(2023, 10, 16, 18, 15, 46, 680), contextTokens: 374, generatedTokens: 44 },
    { timestamp: Date.UTC(2024, 1, 29, 23, 59, 59), contextTokens: 0, generatedTokens: 1 },
  ]);
});

test("what is written is read back, with any line end, with or without the last one", () => {
  const tokens = fc.integer({ min: 0, max: 16 * 1024 * 1024 });
  const timestamp = fc.integer({ min: 0, max: Date.UTC(2099, 0) });
  const row = fc.record(
    { timestamp, contextTokens: tokens, generatedTokens: tokens },
    { noNullPrototype: true },
  );
  const rows = fc.array(row, { minLength: 1 });
  fc.assert(
    fc.property(
      rows,
      fc.constantFrom("\n", "\r\n"),
      fc.boolean(),
      fc.boolean(),
      (given, newline, last, mark) => {
        const lines = given.map(({ timestamp, contextTokens, generatedTokens }) => {
          const time = new Date(timestamp).toISOString().replace("T", " ").replace("Z", "4321");
          return `${time},${contextTokens},${generatedTokens}`;
        });
        const text = (mark ? "\uFEFF" : "") + [HEADER, ...lines].join(newline) + (last ? newline : "");
        assert.deepEqual(parseReplayRows(text), given);
      },
    ),
  );
});

test("a file that does not fit is refused by the first line at fault, which is not repeated", () => {
  for (const [text, line] of [
    ["", 1],
    [ROW, 1],
    ["TIMESTAMP,ContextTokens\n2023-11-16 18:15:46,374", 1],
    [HEADER, 2],
    [`${HEADER}\r\n`, 2],
    [`${HEADER}\n${ROW}\n\n${ROW}\n`, 3],
    [`${HEADER}\n${ROW}\n${ROW}\n\n`, 4],
    [`${HEADER}\n${ROW},5`, 2],
    [`${HEADER}\n${ROW}\n2023-11-16T18:15:46Z,374,44`, 3],
    [`${HEADER}\n2023-02-30 18:15:46,374,44`, 2],
    [`${HEADER}\n2023-11-16 24:00:00,374,44`, 2],
    [`${HEADER}\n2023-11-16 18:15:46,-1,44`, 2],
    [`${HEADER}\n2023-11-16 18:15:46,1.5,44`, 2],
    [`${HEADER}\n2023-11-16 18:15:46,,44`, 2],
    [`${HEADER}\n2023-11-16 18:15:46,16777217,44`, 2],
    [`${HEADER}\n2023-11-16 18:15:46,1,16777217`, 2],
  ] as const) {
    assert.throws(
      () => parseReplayRows(text),
      (error) =>
        error instanceof ReplayRowError && error.line === line && !error.message.includes("18:15:46,"),
      JSON.stringify(text),
    );
  }
});
