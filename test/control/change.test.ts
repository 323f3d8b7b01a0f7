// The one way to change anything: with its audit entry, or not at all.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type Control, openControl } from "../../src/control/control.ts";
import { openParts } from "../../src/control/parts.ts";
import { T0 } from "../support/facts.ts";
import { tempFolder } from "../support/temp.ts";

const ACTOR = { caller: "cli", userId: "ada" } as const;
const ENTRY = { action: "setting_changed", entityType: "setting" };
const open = async () => openControl({ path: join(tempFolder(), "control.db"), clock: () => T0 });
const openAll = () => openParts({ path: join(tempFolder(), "control.db"), clock: () => T0 });

/** Sets `name`, and says so. */
function set(control: Control, name: string, before: () => Promise<void> = async () => {}) {
  return control.change(ACTOR, ENTRY, async (change) => {
    await change.insertInto("settings").values({ name, value: "1" }).execute();
    await before();
    return { entityId: name, oldValues: null, newValues: { value: "1" } };
  });
}

/** The settings that there are; asked for in a change that changes nothing. */
async function settings(control: Control): Promise<string[]> {
  let names: string[] = [];
  await control.change(ACTOR, ENTRY, async (change) => {
    names = (await change.selectFrom("settings").select("name").orderBy("name").execute()).map(
      ({ name }) => name,
    );
    return null;
  });
  return names;
}

test("work that answers that nothing was changed has changed nothing, whatever it wrote", async () => {
  const control = await open();
  const answer = await control.change(ACTOR, ENTRY, async (change) => {
    await change.insertInto("settings").values({ name: "sly", value: "1" }).execute();
    return null;
  });
  assert.equal(answer, null);
  assert.deepEqual(await settings(control), []);
  assert.deepEqual(await control.outboxAfter(0, 10), []);
  await control.close();
});

test("work that fails leaves nothing, and the next change is made", async () => {
  const control = await open();
  await assert.rejects(
    set(control, "a", () => Promise.reject(new Error("no"))),
    /^Error: no$/,
  );
  await set(control, "b");
  assert.deepEqual(await settings(control), ["b"]);
  assert.deepEqual(
    (await control.outboxAfter(0, 10)).map(({ facts }) => facts.entityId),
    ["b"],
  );
  await control.close();
});

test("a change whose entry does not fit its event is refused, and says which fact", async () => {
  const control = await open();
  const change = (justification: string, newValues: Record<string, string>) =>
    control.change(ACTOR, { ...ENTRY, justification }, async (transaction) => {
      await transaction.insertInto("settings").values({ name: "a", value: "1" }).execute();
      return { entityId: "a", oldValues: null, newValues };
    });
  await assert.rejects(change("x".repeat(501), {}), {
    code: "bad_argument",
    message: /justification does not fit/,
  });
  await assert.rejects(change("", { long: "x".repeat(9000) }), {
    code: "bad_argument",
    message: /newValues does not fit/,
  });
  await assert.rejects(
    control.change({ ...ACTOR, secret: "s" } as typeof ACTOR, ENTRY, async () => ({
      entityId: "a",
      oldValues: null,
      newValues: null,
    })),
    { code: "unknown_field" },
  );
  assert.deepEqual(await settings(control), []);
  await control.close();
});

test("the transaction that work was given is of no use afterwards", async () => {
  const control = await open();
  let later: () => Promise<unknown> = async () => {};
  await control.change(ACTOR, ENTRY, async (change) => {
    later = () => change.insertInto("settings").values({ name: "late", value: "1" }).execute();
    return { entityId: "a", oldValues: null, newValues: null };
  });
  await assert.rejects(later());
  assert.deepEqual(await settings(control), []);
  await control.close();
});

test("an entry names its event, time, request and actor; missing ids are made", async () => {
  const { control, tokens } = await openAll();
  const actor = { ...ACTOR, apiKeyId: "tok_1", clientIp: "127.0.0.1", requestId: "req_1", traceId: "t_1" };
  await tokens.create(actor, { name: "a", role: "viewer" });
  await tokens.create({ caller: "system" }, { name: "b", role: "viewer" });
  const [first, second] = (await control.outboxAfter(0, 10)).map(({ facts }) => facts);
  for (const [name, value] of Object.entries(actor)) assert.equal(first?.[name as keyof typeof actor], value);
  assert.equal(first?.timestamp, T0);
  assert.equal(first?.count, 1);
  assert.equal(first?.policyDecision, "n/a");
  assert.match(first?.eventId ?? "", /^[0-9a-f-]{36}$/);
  assert.notEqual(first?.eventId, second?.eventId);
  assert.match(second?.requestId ?? "", /^req_/);
  await control.close();
});

test("listeners are called after the commit and before the caller goes on, until they leave", async () => {
  const control = await open();
  const calls: string[] = [];
  const leave = control.onOutbox(() => calls.push("told"));
  await set(control, "a").then(() => calls.push("answered"));
  await settings(control);
  await assert.rejects(set(control, "a"));
  assert.deepEqual(calls, ["told", "answered"]);
  leave();
  leave();
  await set(control, "b");
  assert.deepEqual(calls, ["told", "answered"]);
  await control.close();
});

test("a listener that fails does not make a committed change look undone", async (t) => {
  const control = await open();
  const failures: unknown[] = [];
  const original = globalThis.queueMicrotask;
  t.mock.method(globalThis, "queueMicrotask", (task: () => void) =>
    original(() => {
      try {
        task();
      } catch (error) {
        failures.push(error);
      }
    }),
  );
  control.onOutbox(() => {
    throw new Error("deaf");
  });
  assert.notEqual(await set(control, "a"), null);
  assert.equal(failures.length, 1);
  await control.close();
});

test("closing waits for the changes that were asked for before, and refuses later ones", async () => {
  const { control, keys } = await openAll();
  const { promise: gate, resolve: go } = Promise.withResolvers<void>();
  const { promise: running, resolve: runs } = Promise.withResolvers<void>();
  const first = set(control, "a", () => {
    runs();
    return gate;
  });
  const second = keys.create(ACTOR, { name: "ci" });
  await running;
  const closed = control.close();
  go();
  assert.notEqual(await first, null);
  assert.equal(keys.check((await second).secret).ok, true);
  await closed;
  await control.close();
  await assert.rejects(set(control, "b"));
});

test("ids of entries are never given twice, also after a restart without any", async () => {
  const path = join(tempFolder(), "control.db");
  const before = openControl({ path, clock: () => T0 });
  await set(before, "a");
  await before.forgetOutbox(1);
  await before.close();
  const after = openControl({ path, clock: () => T0 });
  await set(after, "b");
  assert.deepEqual(
    (await after.outboxAfter(0, 10)).map(({ id }) => id),
    [2],
  );
  assert.deepEqual(await after.outboxAfter(2, 10), []);
  await after.close();
});
