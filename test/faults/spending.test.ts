import assert from "node:assert/strict";
import { test } from "node:test";
import { tempFolder } from "../support/temp.ts";
import { SpendingKills } from "./spending-kills.ts";

test("kill -9 under paid load: what is charged is what the events cost, once, also in a rebuilt store", async (t) => {
  const options = { home: tempFolder(), requests: 600, kills: 3, concurrency: 30 };
  const report = await new SpendingKills(options).run();
  t.diagnostic(JSON.stringify(report));
  assert.ok(report.answered > 100 && report.refused > 30 && report.broken > 0, "the load was real");
});
