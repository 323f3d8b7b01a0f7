// Every route that changes something, taken from the route table: its change and its event are one, also when the
// event cannot be written.
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Route } from "../../src/api/route.ts";
import { ROUTES } from "../../src/api/routes.ts";
import { type Asked, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { ANY, EXAMPLES, type Example, requestOf } from "./mutating-routes.ts";

const nameOf = ({ method, path }: Route) => `${method} ${path}`;
const mutating = ROUTES.filter(({ method, changes, acts }) => !acts && (method !== "GET" || changes));

test("every mutating route says what it changes and has its example, and every example its route", () => {
  for (const route of mutating) assert.ok(route.changes, `${nameOf(route)} has no \`changes\``);
  assert.deepEqual(Object.keys(EXAMPLES).sort(), mutating.map(nameOf).sort());
});

/** Everything in control.db that people change: not the outbox, nor the copy of what follows from events. */
function contents({ home }: TestDaybook): Record<string, unknown> {
  const database = new DatabaseSync(join(home, "control.db"), { readOnly: true });
  const tables = database
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('outbox', 'sqlite_sequence', 'charges', 'charged')",
    )
    .all() as { name: string }[];
  const rows = tables.map(({ name }) => [name, database.prepare(`SELECT * FROM ${name} ORDER BY 1`).all()]);
  database.close();
  return Object.fromEntries(rows);
}

async function withoutOutbox<T>({ home }: TestDaybook, body: () => Promise<T>): Promise<T> {
  const saboteur = new DatabaseSync(join(home, "control.db"), { timeout: 5000 });
  saboteur.exec("CREATE TRIGGER refuse BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'refused'); END");
  try {
    return await body();
  } finally {
    saboteur.exec("DROP TRIGGER refuse");
    saboteur.close();
  }
}

type Values = Record<string, unknown>;

function call(
  daybook: TestDaybook,
  { method }: Route,
  example: Example,
  given: Values,
  id: string,
): Promise<Asked> {
  const { path, ...options } = requestOf(example, given);
  return daybook.ask(path, { ...options, method, headers: { ...options.headers, "x-request-id": id } });
}

/** `ANY` in `expected` stands for what is there. */
function assertValues(text: string | null, expected: Values | null, what: string): void {
  const values = text === null ? null : (JSON.parse(text) as Values);
  const open = Object.entries(expected ?? {}).filter(([, value]) => value === ANY);
  for (const [name] of open) assert.ok(values?.[name] != null, `${what}.${name}`);
  const closed = open.map(([name]) => [name, values?.[name]]);
  assert.deepEqual(values, expected === null ? null : { ...expected, ...Object.fromEntries(closed) }, what);
}

test("each change commits with its one event or not at all", async (t) => {
  const daybook = await startDaybook(t, {
    yaml: "export_targets: [{ name: archive, folder: ./archive }]\n",
  });
  for (const [index, route] of mutating.entries()) {
    const { changes } = route;
    await t.test(nameOf(route), async () => {
      const example = EXAMPLES[nameOf(route)] ?? assert.fail("no example");
      const given = (await example.given?.(daybook.ask, daybook.home)) ?? {};
      const before = contents(daybook);
      const refused = await withoutOutbox(daybook, () => call(daybook, route, example, given, `no-${index}`));
      assert.equal(refused.status, 503, refused.text);
      assert.deepEqual(contents(daybook), before);
      const [failure, ...others] = await daybook.events(`request_id=no-${index}`);
      assert.deepEqual(others, []);
      const { kind, action, entity_type, status_code, error_code, old_values, new_values } = failure ?? {};
      assert.deepEqual(
        { kind, action, entity_type, status_code, error_code, old_values, new_values },
        {
          kind: changes?.kind ?? "admin",
          action: changes?.action,
          entity_type: changes?.entityType,
          status_code: 503,
          error_code: "audit_unavailable",
          old_values: null,
          new_values: null,
        },
      );

      const answered = await call(daybook, route, example, given, `yes-${index}`);
      assert.equal(answered.status, example.status, answered.text);
      const answers = route.answers?.safeParse(answered.json);
      assert.ok(
        answers === undefined || answers.success,
        `the answer is not as described: ${answers?.error}`,
      );
      const [event, ...more] = await daybook.events(`request_id=yes-${index}`);
      assert.deepEqual(more, []);
      assert.deepEqual(
        [event?.kind, event?.action, event?.entity_type, event?.status],
        [changes?.kind ?? "admin", changes?.action, changes?.entityType, "success"],
      );
      assert.deepEqual([event?.method, event?.endpoint], [route.method, route.path]);
      assert.ok(event?.entity_id);
      const answer = (answered.json ?? {}) as Values;
      assertValues(event?.old_values ?? null, example.oldValues(given, answer), "old_values");
      assertValues(event?.new_values ?? null, example.newValues(given, answer), "new_values");
      assert.notDeepEqual(contents(daybook), before, "nothing was changed");
    });
  }
});
