// Filters: every field, exact values, several values, none; time bounds; kind `system`.
import assert from "node:assert/strict";
import fc from "fast-check";
import { type AuditEvent, type Cell, FIELDS, type FieldName, KINDS } from "../../src/event/fields.ts";
import type { EventFilter, Match } from "../../src/query/filter.ts";
import { escapeGlob } from "../../src/query/glob.ts";
import { TEXT_FIELDS } from "../../src/query/matches.ts";
import { type Cells, NodeLog, START_MS } from "../support/events.ts";
import { appendAll, appendNext, type Cases, eventsOf, found, idsOf } from "./case.ts";
import { select } from "./model.ts";

const NODE = "00000000000000a1";
const OTHER = "00000000000000b2";

export const FILTERS: Cases = {
  "every field can be filtered: one value, several, none, and one that no event has": async (open) => {
    const store = await open();
    const [one, two] = [new NodeLog(NODE), new NodeLog(OTHER)];
    await appendAll(store, one.next(150, allFields), two.next(50));
    const events = eventsOf(one.events, two.events);
    for (const { name } of FIELDS) {
      const values = [...new Set(events.map((event) => event[name]))];
      assert.ok(
        values.some((value) => value !== null),
        `no event has ${name}`,
      );
      const lists = [
        values.slice(0, 1),
        values.slice(1, 3),
        [null],
        [null, ...values.slice(-1)],
        ["no such"],
        [],
      ];
      for (const list of lists)
        await assertFinds(store.query.bind(store), events, { where: { [name]: list } });
    }
  },

  "a value that no event has gives an empty last page as of now": async (open) => {
    const store = await open();
    await appendAll(store, new NodeLog(NODE).next(3));
    for (const where of [{ model: ["unknown"] }, { event_id: ["x"] }, { seq: [4] }, { kind: [] }]) {
      const page = await store.query({ where, limit: 1 });
      assert.deepEqual(page, { events: [], next: null, asOf: { [NODE]: 3 } });
    }
  },

  "a value of another type is one that no event has": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendNext(store, log, 3, () => ({
      status_code: 200,
      streaming: true,
      user_id: "1",
      user_agent: "�",
    }));
    const wrong: Cells[] = [
      { status_code: "200" },
      { streaming: 1 },
      { streaming: "true" },
      { user_id: 1 },
      { seq: "1" },
    ];
    wrong.push(
      { user_id: true },
      { seq: 1.5 },
      { event_id: "x" },
      { node_id: NODE.slice(1) },
      { user_agent: "\ud800" },
    );
    for (const cells of wrong) {
      const where = Object.fromEntries(Object.entries(cells).map(([name, cell]) => [name, [cell]]));
      assert.deepEqual(await found(store, { where }), [], JSON.stringify(cells));
    }
  },

  "a value that two fields share is found in the field that is asked": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const roles: FieldName[] = ["model", "route", "user_id", "provider"];
    await appendNext(store, log, 4, (seq) => ({ ...none(roles), [roles[seq - 1] ?? ""]: "shared" }));
    for (const [index, role] of roles.entries()) {
      assert.deepEqual(
        (await found(store, { where: { [role]: ["shared"] } })).map(({ seq }) => seq),
        [index + 1],
      );
    }
  },

  "since and until are inclusive": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendNext(store, log, 9, (seq) => ({ recorded_at: START_MS + seq }));
    const seqs = async (since: number, until: number) =>
      (await found(store, { since: START_MS + since, until: START_MS + until })).map(({ seq }) => seq);
    assert.deepEqual(await seqs(3, 5), [5, 4, 3]);
    assert.deepEqual(await seqs(4, 4), [4]);
    assert.deepEqual(await seqs(5, 4), []);
    assert.deepEqual(await seqs(9, 99), [9]);
    assert.deepEqual(await seqs(-9, 1), [1]);
  },

  "kind system is left out unless it is asked for": async (open) => {
    const store = await open();
    assert.deepEqual(await found(store, { where: { kind: ["system"] } }), []);
    const log = new NodeLog(NODE);
    await appendNext(store, log, 4, (seq) => ({
      kind: seq % 2 === 0 ? "system" : "mcp",
      caller: seq < 3 ? "http" : "cli",
    }));
    const seqs = async (filter: Partial<EventFilter>) => (await found(store, filter)).map(({ seq }) => seq);
    assert.deepEqual(await seqs({}), [3, 1]);
    assert.deepEqual(await seqs({ includeSystem: true }), [4, 3, 2, 1]);
    assert.deepEqual(await seqs({ where: { kind: ["system"] } }), [4, 2]);
    assert.deepEqual(await seqs({ where: { kind: ["system", "mcp"] } }), [4, 3, 2, 1]);
    assert.deepEqual(await seqs({ where: { caller: ["http"] } }), [1]);
  },

  "ranges include both ends, and no event without a number": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendNext(store, log, 6, (seq) => ({
      total_tokens: seq === 6 ? null : seq * 10,
      status_code: seq === 6 ? null : 200 + seq,
      timestamp: START_MS + seq,
    }));
    const seqs = async (filter: EventFilter) => (await found(store, filter)).map(({ seq }) => seq);
    for (const [name, unit] of [
      ["total_tokens", 10],
      ["status_code", 1],
      ["timestamp", 1],
    ] as const) {
      const base = { total_tokens: 0, status_code: 200, timestamp: START_MS }[name];
      const [two, four] = [base + 2 * unit, base + 4 * unit];
      assert.deepEqual(await seqs({ where: { [name]: [{ least: two, most: four }] } }), [4, 3, 2]);
      assert.deepEqual(await seqs({ where: {}, within: { [name]: { least: two, most: four } } }), [4, 3, 2]);
      const rest = name === "timestamp" ? [] : [6];
      assert.deepEqual(await seqs({ where: {}, not: { [name]: [{ least: two }] } }), [...rest, 1]);
      assert.deepEqual(await seqs({ where: { [name]: [{ most: two }, base + 5 * unit] } }), [5, 2, 1]);
    }
    assert.deepEqual(await seqs({ where: { total_tokens: [{ least: 50 }, null] } }), [6, 5]);
    assert.deepEqual(await seqs({ where: { name: [{ least: 0 }] } }), []);
  },

  "signs that a database's own patterns know are themselves": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const names = ["a[b]c", "abc", "a?c", "a%c", "a_c", "a\\c", "a*c", "A%C"];
    await appendNext(store, log, names.length, (seq) => ({ name: names[seq - 1] ?? null }));
    const named = async (filter: EventFilter) => (await found(store, filter)).map(({ name }) => name);
    const globs: [glob: string, names: string[]][] = [
      ["a[b]*", ["a[b]c"]],
      ["a?*", ["a?c"]],
      ["a\\*c*", ["a*c"]],
      ["a\\\\*", ["a\\c"]],
      ["a*c", names.slice(0, -1).toReversed()],
    ];
    for (const [glob, right] of globs)
      assert.deepEqual(await named({ where: { name: [{ glob }] } }), right, glob);
    for (const [word, right] of [
      ["A%", ["A%C", "a%c"]],
      ["a_c", ["a_c"]],
      ["a\\", ["a\\c"]],
    ] as const)
      assert.deepEqual(await named({ where: {}, text: [word] }), right, word);
  },

  "as many stars and words as a query may have are looked for": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendNext(store, log, 5, (seq) => ({ name: `n${seq}` }));
    const many = Array.from({ length: 200 }, (_, index) => index);
    const globs = many.map((index) => ({ glob: `n${index}*` }));
    const words = many.map((index) => `word ${index}`);
    assert.equal((await found(store, { where: { name: globs } })).length, 5);
    assert.equal((await found(store, { where: {}, not: { name: globs, entity_id: globs } })).length, 0);
    assert.equal((await found(store, { where: {}, notText: words })).length, 5);
    assert.equal((await found(store, { where: {}, text: words })).length, 0);
  },

  "any filter finds, in pages of any size, what a plain search finds": async (open) => {
    const store = await open();
    const [one, two] = [new NodeLog(NODE, 3), new NodeLog(OTHER, 4)];
    const cells = (seq: number): Cells => (seq % 7 === 0 ? { kind: "system" } : { count: 1 + (seq % 4) });
    await appendAll(store, one.next(60, cells), two.next(60, cells));
    const events = eventsOf(one.events, two.events);
    const query = fc.record({ filter: anyFilter(events), limit: fc.integer({ min: 1, max: 40 }) });
    await fc.assert(
      fc.asyncProperty(query, async ({ filter, limit }) => {
        assert.deepEqual(idsOf(await found(store, { ...filter, limit })), idsOf(select(events, filter)));
      }),
      { numRuns: 100 },
    );
  },
};

async function assertFinds(
  query: (query: EventFilter & { limit: number }) => Promise<{ events: AuditEvent[]; next: unknown }>,
  events: readonly AuditEvent[],
  filter: EventFilter,
): Promise<void> {
  const page = await query({ ...filter, limit: 1000 });
  assert.deepEqual(idsOf(page.events), idsOf(select(events, filter)), JSON.stringify(filter));
  assert.equal(page.next, null);
}

/** Cells for the fields that random events leave out, so that no field is null everywhere. */
function allFields(seq: number): Cells {
  if (seq % 5 !== 0) return {};
  return {
    user_agent: `agent/${seq % 3}`,
    profile: "work",
    provider_id: "p-1",
    route: "gpt-*",
    route_id: "r-1",
    policies: '["no-tools"]',
    cached_tokens: seq,
    reasoning_tokens: 0,
    resource_usage: '{"cpu_ms":1}',
    quota_violation: "daily_cost",
    old_values: "{}",
  };
}

function none(names: readonly FieldName[]): Cells {
  return Object.fromEntries(names.map((name) => [name, null]));
}

/** Of fields chosen at random, and of any sort; `time` draws the bounds. */
export function anyFilter(
  events: readonly AuditEvent[],
  time: fc.Arbitrary<number> = fc.integer({ min: START_MS - 1, max: START_MS + 22 }),
  names: readonly FieldName[] = FIELDS.map((field) => field.name),
): fc.Arbitrary<EventFilter> {
  const name = fc.constantFrom(...names);
  const lists = (maxLength: number): fc.Arbitrary<EventFilter["where"]> =>
    fc
      .array(
        name.chain((field) => {
          const matches = fc.array(anyMatch(events, field), { minLength: 1, maxLength });
          return matches.map((list) => ({ [field]: list }));
        }),
        { maxLength: 2 },
      )
      .map((terms) => Object.assign({}, ...terms));
  const kind = fc.subarray([...KINDS], { minLength: 1 }).map((list) => ({ kind: list }));
  const texts = events.flatMap((event) => TEXT_FIELDS.flatMap((field) => event[field] ?? []));
  const word = fc
    .tuple(fc.constantFrom("no such", ...texts), fc.nat(8), fc.integer({ min: 1, max: 12 }))
    .map(([text, from, length]) => text.slice(from).slice(0, length).toWellFormed())
    .map((text) => (text === "" ? "-" : text));
  return fc
    .record(
      {
        where: fc.oneof(lists(20), lists(3), kind),
        not: lists(2),
        within: lists(1).map((terms) =>
          Object.fromEntries(
            Object.entries(terms).flatMap(([field, [match]]) =>
              typeof match === "number" ? [[field, { least: match - 2, most: match }]] : [],
            ),
          ),
        ),
        text: fc.array(word, { minLength: 1, maxLength: 2 }),
        notText: fc.array(word, { minLength: 1, maxLength: 1 }),
        since: time,
        until: time,
        includeSystem: fc.boolean(),
      },
      { requiredKeys: ["where"] },
    )
    .map((filter) => sparsely(filter, filter.since ?? 0));
}

/** Without most of the parts that leave little over, by a number drawn already. */
function sparsely(filter: EventFilter, drawn: number): EventFilter {
  const { text, notText, within, ...rest } = filter;
  const kept = [{ text }, { notText }, { within }, {}][Math.abs(drawn) % 4] ?? {};
  return { ...rest, ...Object.fromEntries(Object.entries(kept).filter(([, part]) => part !== undefined)) };
}

/** Of the values that there are, or near them. */
function anyMatch(events: readonly AuditEvent[], field: FieldName): fc.Arbitrary<Match> {
  const cell = fc.constantFrom<Cell>(null, "absent", ...events.map((event) => event[field]));
  const like = fc.tuple(cell, fc.nat(6), fc.nat(6)).map(([value, from, to]): Match => {
    if (typeof value === "number") return { least: value - from, most: value + to };
    if (typeof value !== "string") return value;
    const [head, tail] = [value.slice(0, from), value.slice(value.length - to)];
    return { glob: `${escapeGlob(head.toWellFormed())}*${escapeGlob(tail.toWellFormed())}` };
  });
  return fc.oneof({ weight: 3, arbitrary: cell }, { weight: 1, arbitrary: like });
}
