// What forms and charts of administration are made of: differences, reasons, filters, and how credit went.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lineOf, lineOfRecord, queryOf } from "../../dashboard/src/lib/admin/event-filters.ts";
import { bodyOf, differences } from "../../dashboard/src/lib/admin/values.ts";
import { burnDown, lasts } from "../../dashboard/src/lib/credits/burn-down.ts";
import { parseFilter } from "../../src/query/parameters.ts";

const field = (name: string) => ({ name, about: "", required: false, shape: { is: "text" } }) as const;

test("a change sends what differs; what was emptied is taken away; why is no part of what differs", () => {
  const fields = ["name", "role", "justification"].map(field);
  const after = { name: "", role: "admin", justification: "New duties" };
  assert.deepEqual(
    differences(fields, { name: "ann", role: "admin" }, after).map(({ name }) => name),
    ["name"],
  );
  assert.deepEqual(bodyOf("PATCH", fields, { name: "ann", role: "admin" }, after), {
    name: null,
    justification: "New duties",
  });
});

test("a reason beside a justification is told to others: it is a part of what differs", () => {
  const names = (fields: readonly string[]) =>
    differences(fields.map(field), {}, { reason: "No", justification: "Why" }).map(({ name }) => name);
  assert.deepEqual(names(["reason", "justification"]), ["reason"]);
  assert.deepEqual(names(["reason"]), []);
});

test("a line means what the query string means that it is kept as, and relative times stay relative", () => {
  assert.equal(queryOf("  "), "");
  const now = Date.now();
  const lines = ["model:gpt-* -status:success", 'name:"a b" tokens>10', "since:1d kind:mcp", "plain words"];
  for (const line of lines) {
    assert.equal(lineOf(queryOf(line)), line);
    assert.ok(parseFilter(new URLSearchParams(queryOf(line)), now));
  }
  assert.equal(lineOf("kind=mcp&since=1d&model!=x"), "kind:mcp -model:x since:1d");
  assert.equal(lineOfRecord({ user_id: ["ann", "bob"], kind: ["mcp"] }), "user_id:(ann bob) kind:mcp");
});

test("credit burns down: every point is what was left then, whatever was given and spent since", () => {
  const amount = fc.integer({ min: 0, max: 1_000_000 });
  const moves = fc.array(fc.record({ at: fc.integer({ min: 0, max: 100 }), micros: amount }), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(moves, moves, (given, spent) => {
      const leftAt = (at: number) =>
        given.filter((each) => each.at < at).reduce((sum, { micros }) => sum + micros, 0) -
        spent.filter((each) => each.at < at).reduce((sum, { micros }) => sum + micros, 0);
      const times = [0, 25, 50, 101];
      const points = burnDown(
        leftAt(101),
        spent.map(({ at, micros }) => ({ from: at, micros })),
        given,
        times,
      );
      assert.deepEqual(
        points,
        times.map((at) => ({ at, micros: leftAt(at) })),
      );
    }),
  );
  assert.equal(lasts(100, [{ from: 0, micros: 300 }], 30), 10);
  assert.deepEqual([lasts(100, [], 30), lasts(0, [{ from: 0, micros: 1 }], 30)], [null, null]);
});
