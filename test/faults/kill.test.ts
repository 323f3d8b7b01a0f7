import assert from "node:assert/strict";
import { test } from "node:test";
import { tempFolder } from "../support/temp.ts";
import { KillCycles } from "./kill-cycles.ts";

const CYCLES = 25;

for (const mode of ["open", "strict"] as const) {
  test(`kill -9 under load, ${mode}: nothing recorded is lost, doubled or changed`, async (t) => {
    const seed = Date.now() % 1_000_000;
    t.diagnostic(`seed ${seed}`);
    const report = await new KillCycles({
      home: tempFolder(),
      mode,
      cycles: CYCLES,
      seed,
      longStreams: 2,
    }).run();
    t.diagnostic(JSON.stringify(report));
    assert.equal(report.cycles, CYCLES);
    assert.ok(report.answered > CYCLES && report.interrupted >= CYCLES, "the load was real");
  });
}
