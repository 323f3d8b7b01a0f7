// SQLite's failures have SQLite's names.
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { namedFailure } from "../../../src/stores/sqlite/failures.ts";

function failureOf(sql: string): unknown {
  const db = new DatabaseSync(":memory:");
  try {
    db.exec(sql);
  } catch (error) {
    return namedFailure(error);
  } finally {
    db.close();
  }
  return null;
}

test("a failure of SQLite has its name for a code, whatever its extended code", () => {
  const twice = "CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1), (1)";
  assert.equal((failureOf(twice) as { code?: string }).code, "SQLITE_CONSTRAINT");
  assert.equal((failureOf("not SQL") as { code?: string }).code, "SQLITE_1");
});

test("any other error stays as it is", () => {
  for (const error of [new TypeError("x"), Object.assign(new Error("x"), { code: "ENOENT" }), null, "text"]) {
    const before = (error as { code?: string } | null)?.code;
    assert.equal(namedFailure(error), error);
    assert.equal((error as { code?: string } | null)?.code, before);
  }
});
