import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { test } from "node:test";
import { startDaybook } from "../support/daybook.ts";

const IS_LINUX = process.platform === "linux";

test("the threads that can wait give way to those that requests wait for", {
  skip: IS_LINUX ? false : "priorities of threads are Linux's",
}, async (t) => {
  const daybook = await startDaybook(t);
  // Threads begin with the first question, or the first export.
  for (const path of ["", "/stats"]) await daybook.get(`/admin/audit-logs${path}`);
  const own = getPriority();
  const priorities = readdirSync("/proc/self/task").map((thread) => ({
    name: readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim(),
    priority: getPriority(Number(thread)),
  }));
  const of = (name: string) => priorities.filter((thread) => thread.name === name);
  assert.equal(of("daybook-reader").length, 2);
  for (const name of ["store", "sealer", "daybook-reader"])
    for (const { priority } of of(name)) assert.ok(priority > own, name);
  assert.deepEqual(of("journal"), [{ name: "journal", priority: own }]);
});
