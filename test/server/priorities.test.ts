import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { test } from "node:test";
import { startDaybook } from "../support/daybook.ts";

const IS_LINUX = process.platform === "linux";

test("the threads that can wait give way to those that requests wait for", {
  skip: IS_LINUX ? false : "priorities of threads are Linux's",
}, async (t) => {
  await startDaybook(t);
  const own = getPriority();
  const priorities = new Map<string, number>();
  for (const thread of readdirSync("/proc/self/task"))
    priorities.set(
      readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim(),
      getPriority(Number(thread)),
    );
  for (const name of ["store", "sealer"]) assert.ok((priorities.get(name) ?? own) > own, name);
  assert.equal(priorities.get("journal"), own);
});
