// Legal holds and erasure: what is held stays as it is; what is erased leaves its leaves, its sums and nothing else.
import assert from "node:assert/strict";
import fc from "fast-check";
import { type AuditEvent, COLUMN, FIELDS, KINDS, type Kind } from "../../src/event/fields.ts";
import { isErased, type JournalEvent } from "../../src/event/leaf.ts";
import { leafOf } from "../../src/evidence/leaves.ts";
import type { EventFilter } from "../../src/query/filter.ts";
import type { EraseProgress, PruneProgress, PruneRules, Subject } from "../../src/stores/removal.ts";
import type { Store } from "../../src/stores/store.ts";
import { type Cells, NodeLog, START_MS } from "../support/events.ts";
import { appendAll, appendNext, type Cases, eventsOf, found, idsOf } from "./case.ts";
import { select } from "./model.ts";

const NODE = "00000000000000a1";
const OTHER = "00000000000000b2";
const DAY_MS = 86_400_000;
const ALL = { where: {}, includeSystem: true };
const ANA: Subject = { userId: "ana", pseudonym: "ers_1", holds: [] };
const PERSONAL = FIELDS.filter((field) => field.class !== "public").map(({ name }) => name);

const daily = (seq: number): Cells => ({
  recorded_at: START_MS + seq * DAY_MS,
  kind: KINDS[seq % KINDS.length] ?? "mcp",
});

function rules(days: number, holds: readonly EventFilter[]): PruneRules {
  const keepMs = Object.fromEntries(KINDS.map((kind) => [kind, DAY_MS])) as Record<Kind, number>;
  return { now: START_MS + days * DAY_MS, keepMs, maxBytes: 0, holds };
}

async function prune(store: Store, rules: PruneRules): Promise<number> {
  const plan = await store.planPrune(rules);
  let events = 0;
  for (let at: PruneProgress | null | undefined; at !== null; ) {
    const step = await store.prune(plan, at);
    events += step.events;
    at = step.next;
  }
  return events;
}

/** At most `steps` of them. */
async function erase(store: Store, subject: Subject, steps = Number.POSITIVE_INFINITY) {
  const sum = { events: 0, held: 0 };
  let at: EraseProgress | null | undefined;
  for (let done = 0; at !== null && done < steps; done++) {
    const step = await store.erase(subject, at);
    sum.events += step.events;
    sum.held += step.held;
    at = step.next;
  }
  return sum;
}

async function scanned(store: Store): Promise<JournalEvent[]> {
  return (await store.scan(null, 10_000)).events;
}

/** Whether an erasure of "ana" is of this event. */
function isAnas(event: AuditEvent): boolean {
  const named = [event.metadata, event.old_values, event.new_values].some((text) => text?.includes('"ana"'));
  return (event.user_id === "ana" || event.entity_id === "ana" || named) && event.action !== "pruned";
}

const HOLDS: readonly EventFilter[] = [
  { where: {} },
  { where: { user_id: ["ana"] } },
  { where: { user_id: ["ana", "0"], kind: ["mcp", "admin"] } },
  { where: { user_id: [null] } },
  { where: { session_id: ["session-3"] }, since: START_MS + 20 * DAY_MS, until: START_MS + 60 * DAY_MS },
  { where: { status: ["error"] } },
  { where: { kind: ["system"] } },
  { where: { user_id: ["nobody"] } },
  { where: {}, not: { user_id: ["ana", "0"], kind: ["auth"] } },
  { where: { model: [{ glob: "gpt-*" }] }, within: { total_tokens: { least: 3000 } } },
  { where: {}, text: ["RED_FILE"] },
];

export const ERASURE: Cases = {
  "what a legal hold finds outlives its age, exactly": async (open) => {
    const holds = fc.subarray([...HOLDS]);
    let nodes = 0;
    await fc.assert(
      fc.asyncProperty(holds, fc.integer({ min: 1, max: 999 }), async (held, seed) => {
        const store = await open();
        const node = (++nodes).toString(16).padStart(16, "0");
        const log = new NodeLog(node, seed);
        await appendNext(store, log, 90, daily);
        const asked = rules(95, held);
        const due = eventsOf(log.events).filter(
          ({ recorded_at }) => recorded_at < asked.now - asked.keepMs.mcp,
        );
        const kept = new Set(
          held.flatMap((hold) => idsOf(select(eventsOf(log.events), { ...hold, includeSystem: true }))),
        );
        await prune(store, asked);
        const there = (await scanned(store)).map(({ row }) => row);
        const ids = new Set(
          there.filter((row) => row[COLUMN.node_id] === node).map((row) => row[COLUMN.event_id]),
        );
        for (const { event_id } of due) assert.equal(ids.has(event_id), kept.has(event_id));
        await prune(store, rules(95, []));
        await store.close();
      }),
      { numRuns: 12 },
    );
  },

  "a hold beats the cap": async (open) => {
    const store = await open();
    await appendNext(store, new NodeLog(NODE), 600, (seq) => ({
      kind: "mcp",
      user_id: seq <= 300 ? "ana" : "0",
    }));
    const holds = [{ where: { user_id: ["ana"] } }];
    const plan = await store.planPrune({ ...rules(1, holds), maxBytes: 1 });
    assert.deepEqual([plan.capped, plan.ranges[0]?.kinds], [true, { mcp: 300 }]);
    assert.equal(await prune(store, { ...rules(1, holds), maxBytes: 1 }), 300);
    assert.equal((await scanned(store)).length, 300);
  },

  "erasing takes the groups with their salts, and leaves every leaf, the sums and the others' events": async (
    open,
  ) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const cells = (seq: number): Cells =>
      seq % 40 === 7
        ? { user_id: "admin", new_values: '{"user_id":"ana"}' }
        : seq % 40 === 9
          ? { user_id: "admin", kind: "system", action: "pruned", metadata: '{"node":"ana"}' }
          : {};
    await appendNext(store, log, 400, cells);
    const before = await store.stats(ALL);
    const theirs = eventsOf(log.events).filter(isAnas);
    const since = Math.min(...theirs.map(({ recorded_at }) => recorded_at));
    assert.ok(theirs.length > 40 && theirs.some(({ user_id }) => user_id === "admin"));
    const cost = theirs.reduce(
      (sum, { user_id, cost_micros }) => sum + (user_id === "ana" ? (cost_micros ?? 0) : 0),
      0,
    );
    assert.deepEqual(await store.traces(ANA), { events: theirs.length, held: 0, since });
    assert.deepEqual(await erase(store, ANA), { events: theirs.length, held: 0 });
    const gone = new Set(idsOf(theirs));
    const after = await scanned(store);
    assert.deepEqual(after.map(leafOf), log.events.map(leafOf));
    for (const [index, event] of after.entries()) {
      const [was] = eventsOf([log.events[index] as JournalEvent]) as [AuditEvent];
      assert.equal(isErased(event), gone.has(was.event_id));
      const [is] = eventsOf([event]) as [AuditEvent];
      const names = gone.has(was.event_id) ? PERSONAL : [];
      assert.deepEqual(is, { ...was, ...Object.fromEntries(names.map((name) => [name, null])) });
    }
    assert.deepEqual(await store.stats(ALL), before);
    const charged = (await store.charges()).sums.filter(({ userId }) => /^(ana|ers_1)$/.test(userId));
    assert.deepEqual(charged, [{ nodeId: NODE, userId: "ers_1", costMicros: cost }]);
    const usage = await store.usage({ by: "user_id", since: START_MS });
    const requests = theirs.reduce((sum, { user_id, count }) => sum + (user_id === "ana" ? count : 0), 0);
    assert.equal(usage.find(({ subject }) => subject === "ers_1")?.requests, requests);
    assert.equal(
      usage.some(({ subject }) => subject === "ana"),
      false,
    );
    assert.deepEqual(await found(store, { where: { user_id: ["ana"] } }), []);
    assert.deepEqual(await store.traces(ANA), { events: 0, held: 0, since: null });
    assert.deepEqual(await erase(store, ANA), { events: 0, held: 0 });
  },

  "what is held is not erased, and the sums wait for it": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendNext(store, log, 200, (seq) => ({ user_id: "ana", kind: seq % 4 === 0 ? "mcp" : "auth" }));
    const held: Subject = { ...ANA, holds: [{ where: { kind: ["mcp"] } }] };
    assert.deepEqual(await store.traces(held), { events: 150, held: 50, since: START_MS });
    assert.deepEqual(await erase(store, held), { events: 150, held: 50 });
    assert.equal((await found(store, { where: { user_id: ["ana"] } })).length, 50);
    const users = async () => [...new Set((await store.charges()).sums.map(({ userId }) => userId))];
    assert.deepEqual(await users(), ["ana"]);
    assert.deepEqual(await erase(store, ANA), { events: 50, held: 0 });
    assert.deepEqual(await users(), ["ers_1"]);
  },

  "what somebody wrote is erased where it has the person as a word, and held where a hold finds it": async (
    open,
  ) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const written = [
      { new_values: '{"query.q":["user:ana tokens>5"]}' },
      { old_values: JSON.stringify({ when: 'user == "ana" || size > 5' }), user_id: null },
      { justification: "ana asked for it", user_id: null, api_key_id: null },
      { new_values: '{"query.q":["user:anabel tokens>5"]}' },
      { justification: "banana" },
      { new_values: '{"name":"for ana"}', user_id: null },
    ];
    const plain = { kind: "admin", action: "x", entity_id: null, metadata: null, justification: null };
    const none = { user_id: "bo", old_values: null, new_values: null };
    await appendNext(store, log, written.length, (seq) => ({ ...plain, ...none, ...written[seq - 1] }));
    const held: Subject = { ...ANA, holds: [{ where: { user_id: ["bo"] } }] };
    assert.deepEqual(await store.traces(held), { events: 2, held: 1, since: START_MS });
    assert.deepEqual(await store.traces(ANA), { events: 3, held: 0, since: START_MS });
    assert.deepEqual(await erase(store, ANA), { events: 3, held: 0 });
    assert.deepEqual(
      (await scanned(store)).map((event) => event.p2Salt.length),
      [32, 32, 32, 16, 16, 16],
    );
    assert.deepEqual((await scanned(store)).map(leafOf), log.events.map(leafOf));
  },

  "a step that is not meant any more once it may write changes nothing": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendNext(store, log, 50, () => ({ user_id: "ana", kind: "mcp" }));
    const closed = { code: "closed" };
    await assert.rejects(
      store.erase(ANA, undefined, () => false),
      closed,
    );
    const plan = await store.planPrune(rules(1000, []));
    await assert.rejects(
      store.prune(plan, undefined, () => false),
      closed,
    );
    assert.deepEqual(await scanned(store), log.events);
    assert.deepEqual(await erase(store, ANA), { events: 50, held: 0 });
  },

  "an erasure that is broken off is finished by the next": async (open) => {
    const store = await open();
    const [one, two] = [new NodeLog(NODE, 1), new NodeLog(OTHER, 2)];
    const mine = () => ({ user_id: "ana" });
    await appendAll(store, one.next(2_500, mine), two.next(2_500, mine));
    for (let steps = 0, left = 5_000; left > 0; steps++) {
      const { events } = await erase(store, ANA, steps);
      left -= events;
      assert.equal((await store.traces(ANA)).events, left);
    }
    await erase(store, ANA);
    assert.deepEqual((await scanned(store)).map(leafOf), [...one.events, ...two.events].map(leafOf));
  },

  "words and people that no event has any more are forgotten by every connection": async (open) => {
    const [store, other, reader] = [await open(), await open(), await open("read")];
    const log = new NodeLog(NODE);
    const cells = (session: string) => (seq: number) => ({
      ...daily(seq),
      session_id: session,
      client_ip: "192.0.2.77",
      user_id: "zoe",
    });
    await appendNext(store, log, 30, cells("session-a"));
    const ofSession = (session: string) => ({ where: { session_id: [session], user_id: ["zoe"] } });
    assert.equal((await found(reader, { ...ofSession("session-a"), includeSystem: true })).length, 30);
    await appendNext(other, log, 30, cells("session-a"));
    await prune(store, rules(1000, [{ where: { seq: [3] } }]));
    assert.equal((await found(reader, { ...ofSession("session-a"), includeSystem: true })).length, 1);
    await erase(store, { userId: "zoe", pseudonym: "ers_2", holds: [] });
    assert.equal((await found(reader, { ...ofSession("session-a"), includeSystem: true })).length, 0);
    await appendNext(other, log, 30, cells("session-a"));
    assert.equal((await found(reader, { ...ofSession("session-a"), includeSystem: true })).length, 30);
    assert.equal((await found(store, { ...ofSession("session-a"), includeSystem: true })).length, 30);
  },
};
