import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../bench/soak.ts", import.meta.url));

test("a soak tells how everything that could grow has grown, and that nothing failed", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, "0.05", "--rate", "100"], {
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  const [asked = ""] = /^\d+(?= requests)/.exec(stdout) ?? [];
  assert.ok(Number(asked) >= 200, stdout);
  assert.match(stdout, /, 0 failed$/m);
  for (const what of ["memory", "heap", "buffers", "descriptors", "journal", "records behind"])
    assert.match(stdout, new RegExp(`^${what}.* +[\\d.,]+ +[\\d.,]+ +[-+]?[\\d.,]+$`, "m"));
});

test("a soak without minutes says how it is called", () => {
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  assert.deepEqual([status, /MINUTES/.test(stderr)], [2, true]);
});
