// Credit and limits over a real control.db: what is refused, what memory hears of, and the copy of what was charged.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openParts } from "../../src/control/parts.ts";
import { CHEAP } from "../support/daybook.ts";
import { T0 } from "../support/facts.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

const ACTOR = { caller: "cli" } as const;
const ALL = { limit: 100, after: null };

async function open(folder = tempFolder()) {
  let now = T0;
  const parts = await openParts({
    path: join(folder, "control.db"),
    clock: () => now++,
    nodeId: "00112233445566aa",
    scrypt: CHEAP,
  });
  return { ...parts, folder };
}

async function withUser(folder?: string) {
  const parts = await open(folder);
  const { id } = await parts.users.create(ACTOR, { name: "ana", role: "viewer" });
  return { ...parts, id };
}

const entry = (amountMicros: number, reason = "because") => ({ amountMicros, reason });

test("grants, adjustments and reversals add up, and are kept one by one with their reasons", async () => {
  const { credits, control, id } = await withUser();
  const heard: [string, number][] = [];
  credits.follow((userId, granted) => heard.push([userId, granted]));
  assert.equal(credits.granted(id), null);
  const grant = await credits.grant(ACTOR, "ana", entry(5_000_000, "May"));
  await credits.adjust(ACTOR, id, entry(-1_200_000));
  const { id: reversal, reverses } = await credits.reverse(ACTOR, id, grant.id, "the wrong user");
  assert.equal(reverses, grant.id);
  assert.equal(credits.granted(id), -1_200_000);
  assert.deepEqual(heard, [
    [id, 5_000_000],
    [id, 3_800_000],
    [id, -1_200_000],
  ]);
  const entries = await credits.list(id, ALL);
  assert.deepEqual(
    entries.map(({ kind, amountMicros, reason }) => [kind, amountMicros, reason]),
    [
      ["reversal", -5_000_000, "the wrong user"],
      ["adjustment", -1_200_000, "because"],
      ["grant", 5_000_000, "May"],
    ],
  );
  await assert.rejects(credits.reverse(ACTOR, id, grant.id, "again"), { code: "conflict" });
  await assert.rejects(credits.reverse(ACTOR, id, reversal, "back"), { code: "conflict" });
  await control.close();
});

test("a list of entries is one user's only, page by page", async () => {
  const { credits, users, control, id } = await withUser();
  await users.create(ACTOR, { name: "ben", role: "viewer" });
  for (let n = 1; n <= 5; n++) {
    await credits.grant(ACTOR, id, entry(n));
    await credits.grant(ACTOR, "ben", entry(100 + n));
  }
  const first = await credits.list(id, { limit: 3, after: null });
  const rest = await credits.list(id, { limit: 3, after: first.at(-1) ?? null });
  assert.deepEqual(
    [first, rest].map((page) => page.map(({ amountMicros }) => amountMicros)),
    [
      [5, 4, 3],
      [2, 1],
    ],
  );
  await control.close();
});

test("what is no amount, no reason or no user is refused, and nothing is changed", async () => {
  const { credits, control, id } = await withUser();
  for (const amount of [0, -1, 1.5, Number.NaN, 2e15])
    await assert.rejects(credits.grant(ACTOR, id, entry(amount)), { code: "bad_argument" }, String(amount));
  for (const amount of [0, 0.5, -2e15])
    await assert.rejects(credits.adjust(ACTOR, id, entry(amount)), { code: "bad_argument" }, String(amount));
  await assert.rejects(credits.grant(ACTOR, id, entry(1, "")), { code: "bad_argument" });
  await assert.rejects(credits.grant(ACTOR, "nobody", entry(1)), { code: "unknown_entity" });
  await assert.rejects(credits.reverse(ACTOR, id, "crd_none", "no"), { code: "unknown_entity" });
  await credits.grant(ACTOR, id, entry(999_999_999_999_999));
  await assert.rejects(credits.grant(ACTOR, id, entry(2)), { code: "bad_argument" });
  assert.equal(credits.granted(id), 999_999_999_999_999);
  assert.equal((await credits.list(id, ALL)).length, 1);
  await control.close();
});

test("credit and limits are there after a restart, and another process hears of their changes", async () => {
  const first = await withUser();
  const key = await first.keys.create(ACTOR, { name: "ci" });
  await first.credits.grant(ACTOR, first.id, entry(700));
  await first.limits.set(ACTOR, "api_key", key.id, { requests_per_minute: 60, tokens_per_day: null });
  const second = await open(first.folder);
  assert.equal(second.credits.granted(first.id), 700);
  const heard: unknown[] = [];
  second.limits.follow((...told) => heard.push(told));
  assert.deepEqual(heard.splice(0), [["api_key", key.id, { requests_per_minute: 60, tokens_per_day: null }]]);
  await first.credits.grant(ACTOR, first.id, entry(300));
  await first.limits.set(ACTOR, "user", "ana", { concurrent_requests: 2 });
  await first.limits.set(ACTOR, "api_key", key.id, {});
  await until(() => second.credits.granted(first.id) === 1000 && heard.length >= 2);
  assert.deepEqual(
    heard.toSorted((one, other) => String(one).localeCompare(String(other))),
    [
      ["api_key", key.id, null],
      ["user", first.id, { concurrent_requests: 2 }],
    ],
  );
  await first.control.close();
  await second.control.close();
});

test("limits are replaced as a whole; setting the same again is no change", async () => {
  const { limits, control, id } = await withUser();
  const outbox = async () => (await control.outboxAfter(0, 100)).map(({ facts }) => facts);
  const before = (await outbox()).length;
  await limits.set(ACTOR, "user", "ana", { requests_per_minute: 5, tokens_per_day: null });
  await limits.set(ACTOR, "user", "ana", { requests_per_minute: 5, tokens_per_day: null });
  await limits.set(ACTOR, "user", id, { tokens_per_minute: 9 }, "a new plan");
  assert.deepEqual(await limits.own("user", "ana"), { id, own: { tokens_per_minute: 9 } });
  await limits.set(ACTOR, "user", id, {});
  const told = (await outbox()).slice(before);
  assert.deepEqual(
    told.map(({ action, entityType, entityId, oldValues, newValues, justification }) => ({
      action,
      entityType,
      entityId,
      oldValues,
      newValues,
      ...(justification == null ? {} : { justification }),
    })),
    [
      {
        action: "limits_set",
        entityType: "user",
        entityId: id,
        oldValues: { requests_per_minute: "default", tokens_per_day: "default" },
        newValues: { requests_per_minute: 5, tokens_per_day: "none" },
      },
      {
        action: "limits_set",
        entityType: "user",
        entityId: id,
        oldValues: { requests_per_minute: 5, tokens_per_minute: "default", tokens_per_day: "none" },
        newValues: { requests_per_minute: "default", tokens_per_minute: 9, tokens_per_day: "default" },
        justification: "a new plan",
      },
      {
        action: "limits_removed",
        entityType: "user",
        entityId: id,
        oldValues: { tokens_per_minute: 9 },
        newValues: { tokens_per_minute: "default" },
      },
    ],
  );
  await assert.rejects(limits.set(ACTOR, "api_key", "key_none", { tokens_per_day: 1 }), {
    code: "unknown_entity",
  });
  await control.close();
});

test("a copy of charges that goes further is not put back by one that does not", async () => {
  const { charges, control } = await open();
  const sum = (userId: string, costMicros: number) => ({ nodeId: "a", userId, costMicros });
  await charges.keep({ upTo: { a: 100 }, sums: [sum("ana", 50), sum("ben", 60)] });
  // Another process knows of node a what the store has: less.
  await charges.keep({ upTo: { a: 80, b: 1 }, sums: [sum("ana", 5), sum("ben", 60)] });
  assert.deepEqual(await charges.read(), { upTo: { a: 100, b: 1 }, sums: [sum("ana", 50), sum("ben", 60)] });
  // And node a itself copies what has changed since.
  await charges.keep({ upTo: { a: 150 }, sums: [sum("ben", 61)] });
  assert.deepEqual(await charges.read(), { upTo: { a: 150, b: 1 }, sums: [sum("ana", 50), sum("ben", 61)] });
  await control.close();
});

test("the copy of charges replaces what it is given and keeps the rest, and leaves no entry", async () => {
  const { charges, control } = await open();
  const sum = (nodeId: string, userId: string, costMicros: number) => ({ nodeId, userId, costMicros });
  await charges.keep({
    upTo: { a: 10, b: 3 },
    sums: [sum("a", "ana", 5), sum("a", "ben", 6), sum("b", "ana", 7)],
  });
  await charges.keep({ upTo: { a: 20 }, sums: [sum("a", "ben", 60)] });
  const { upTo, sums } = await charges.read();
  assert.deepEqual(upTo, { a: 20, b: 3 });
  assert.deepEqual(
    new Set(sums.map((one) => JSON.stringify(one))),
    new Set([sum("a", "ana", 5), sum("a", "ben", 60), sum("b", "ana", 7)].map((one) => JSON.stringify(one))),
  );
  assert.deepEqual(await control.outboxAfter(0, 10), []);
  await control.close();
});
