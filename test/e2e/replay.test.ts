// A real trace of LLM traffic through the gateway: every row one event, every token counted.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { replay } from "../../src/simulator/replay.ts";
import { parseReplayRows, type ReplayRow } from "../../src/simulator/replay-rows.ts";
import { API_KEY, startDaybook } from "../support/daybook.ts";

const ROWS = 1500;
const folder =
  process.env.DAYBOOK_TEST_DATA ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));
const trace = join(folder, "azure-llm-inference-2023-conv.csv");

/** Sizes like the trace's, where the trace itself is not at hand. */
function madeRows(): string {
  const rows = Array.from(
    { length: ROWS },
    (_, n) =>
      `2023-11-16 18:15:${String(n % 60).padStart(2, "0")}.0000000,${(n * 7919) % 4000},${1 + ((n * 104_729) % 700)}`,
  );
  return `TIMESTAMP,ContextTokens,GeneratedTokens\n${rows.join("\n")}\n`;
}

async function replayed(t: Parameters<typeof startDaybook>[0], rows: readonly ReplayRow[]) {
  const daybook = await startDaybook(t);
  const tally = await replay({
    rows,
    url: daybook.url,
    apiKey: API_KEY,
    model: "demo",
    speed: null,
    concurrency: 64,
    streams: "alternate",
  });
  assert.equal(tally.failed, 0);
  await daybook.settle();
  const { text } = await daybook.get("/admin/audit-logs/stats?kind=inference");
  const sum = (size: (row: ReplayRow) => number) => rows.reduce((total, row) => total + size(row), 0);
  return { daybook, stats: JSON.parse(text) as Record<string, unknown>, sum };
}

test(`every row of a trace is one event with its tokens (${existsSync(trace) ? "the Azure trace" : "made rows: the Azure trace is at DAYBOOK_TEST_DATA, see CONTRIBUTING.md"})`, async (t) => {
  const rows = parseReplayRows(existsSync(trace) ? readFileSync(trace, "utf8") : madeRows()).slice(0, ROWS);
  assert.equal(rows.length, ROWS);
  const { daybook, stats, sum } = await replayed(t, rows);
  const [prompt, completion] = [sum((row) => row.contextTokens), sum((row) => row.generatedTokens)];
  assert.deepEqual(
    [stats.total_requests, stats.prompt_tokens, stats.completion_tokens, stats.total_tokens, stats.by_status],
    [ROWS, prompt, completion, prompt + completion, { success: ROWS }],
  );
  const { begun, recorded, dropped } = daybook.server.recorder.counters.byKind.inference;
  assert.deepEqual([begun, recorded, dropped.queue_full], [ROWS, ROWS, 0]);
});
