// What a connection remembers of the dictionary stays true and bounded.
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { Dictionary } from "../../../src/stores/sqlite/dictionary.ts";
import { createTables } from "../../../src/stores/sqlite/tables.ts";

function newDatabase(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  createTables(db, ":memory:");
  return db;
}

test("a word has one id in each field, and every id one word", () => {
  const dictionary = new Dictionary(newDatabase());
  const ids = [
    dictionary.add("model", "x", 0),
    dictionary.add("route", "x", 0),
    dictionary.add("model", "y", 0),
  ];
  assert.equal(new Set(ids).size, 3);
  assert.deepEqual(
    ids.map((id) => dictionary.word(id)),
    ["x", "x", "y"],
  );
  assert.deepEqual([dictionary.add("model", "x", 0), dictionary.find("route", "x")], ids.slice(0, 2));
  assert.equal(dictionary.find("route", "y"), undefined);
});

test("words that others add later are found", () => {
  const db = newDatabase();
  const [one, two] = [new Dictionary(db), new Dictionary(db)];
  assert.equal(one.find("model", "x"), undefined);
  const id = two.add("model", "x", 0);
  assert.deepEqual([one.find("model", "x"), one.word(id), one.add("model", "x", 0)], [id, "x", id]);
});

test("an id is never given again, not even that of a removed word", () => {
  const db = newDatabase();
  const dictionary = new Dictionary(db);
  const id = dictionary.add("user_id", "gone", 0);
  db.exec("DELETE FROM dictionary");
  assert.notEqual(dictionary.add("user_id", "next", 0), id);
});

test("what a rolled-back transaction added is forgotten, both ways", () => {
  const db = newDatabase();
  const dictionary = new Dictionary(db);
  db.exec("BEGIN");
  const id = dictionary.add("model", "gone", 0);
  assert.equal(dictionary.word(id), "gone");
  db.exec("ROLLBACK");
  dictionary.forget();
  assert.equal(dictionary.find("model", "gone"), undefined);
  assert.equal(dictionary.add("model", "next", 0), id);
  assert.equal(dictionary.word(id), "next");
});

test("an id that the dictionary lacks is damage, and is said to be", () => {
  assert.throws(() => new Dictionary(newDatabase()).word(7), /damaged: its dictionary has no entry 7/);
});

test("more words than are remembered keep their ids", () => {
  const db = newDatabase();
  const dictionary = new Dictionary(db);
  db.exec("BEGIN");
  const ids = Array.from({ length: 60_000 }, (_, index) => dictionary.add("session_id", `s${index}`, 0));
  assert.deepEqual(
    ids.map((id) => dictionary.word(id)),
    ids.map((_, index) => `s${index}`),
  );
  assert.deepEqual(
    ids.filter((id, index) => dictionary.find("session_id", `s${index}`) !== id),
    [],
  );
});
