// Several processes on one control.db: each notices what the others change.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type Control, openControl } from "../../src/control/control.ts";
import { openParts } from "../../src/control/parts.ts";
import { T0 } from "../support/facts.ts";
import { tempFolder } from "../support/temp.ts";

const ACTOR = { caller: "cli" } as const;

async function untilTrue(holds: () => boolean, deadlineMs = 5000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!holds()) {
    assert.ok(performance.now() < end, "it never came true");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("keys, tokens and users that another process changes are known here within a moment", async () => {
  const path = join(tempFolder(), "control.db");
  const [here, there] = [
    await openParts({ path, clock: () => T0 }),
    await openParts({ path, clock: () => T0 }),
  ];
  await there.users.create(ACTOR, { name: "ann", role: "viewer" });
  const key = await there.keys.create(ACTOR, { name: "k", userId: "ann" });
  const token = await there.tokens.create(ACTOR, { name: "t", role: "admin" });
  await untilTrue(() => here.keys.check(key.secret).ok && here.tokens.check(token.secret).ok);
  await there.keys.revoke(ACTOR, key.id);
  await there.tokens.revoke(ACTOR, token.id);
  await untilTrue(() => !here.keys.check(key.secret).ok && !here.tokens.check(token.secret).ok);
  const other = await there.keys.create(ACTOR, { name: "k2", userId: "ann" });
  await untilTrue(() => here.keys.check(other.secret).ok);
  await there.users.delete(ACTOR, "ann");
  await untilTrue(() => !here.keys.check(other.secret).ok);
  const check = here.keys.check(other.secret);
  assert.equal(!check.ok && check.reason, "user_disabled");
  await Promise.all([here.control.close(), there.control.close()]);
});

/** Counts what is read again, and how. */
function counting(control: Control, entityType: string): (string | null)[] {
  const reads: (string | null)[] = [];
  control.onChanged(entityType, async (_, id) => {
    reads.push(id);
    return () => {};
  });
  return reads;
}

const change = (control: Control, entityType: string, entityId: string) =>
  control.change(ACTOR, { action: "setting_changed", entityType }, async (transaction) => {
    await transaction
      .insertInto("settings")
      .values({ name: `${entityType} ${entityId}`, value: "1" })
      .execute();
    return { entityId, oldValues: null, newValues: { value: "1" } };
  });

test("of what others change, only that sort of entity is read again; of one's own, only the one", async () => {
  const path = join(tempFolder(), "control.db");
  const [here, there] = [openControl({ path, clock: () => T0 }), openControl({ path, clock: () => T0 })];
  const [apples, pears] = [counting(here, "apple"), counting(here, "pear")];
  await here.load();
  await change(here, "apple", "a1");
  await change(there, "pear", "p1");
  await untilTrue(() => pears.length === 2);
  assert.deepEqual(
    [apples, pears],
    [
      [null, "a1"],
      [null, null],
    ],
  );
  await change(there, "apple", "a2");
  await change(here, "apple", "a3");
  await untilTrue(() => apples.length === 4);
  // The own change did not hide that of the other.
  assert.deepEqual([apples, pears.length], [[null, "a1", "a3", null], 2]);
  await here.forgetOutbox(100);
  await Promise.all([here.close(), there.close()]);
});

test("a rolled-back change is none to the others", async () => {
  const path = join(tempFolder(), "control.db");
  const [here, there] = [openControl({ path, clock: () => T0 }), openControl({ path, clock: () => T0 })];
  const [apples, pears] = [counting(here, "apple"), counting(here, "pear")];
  await here.load();
  await assert.rejects(
    there.change(ACTOR, { action: "setting_changed", entityType: "apple" }, async () =>
      Promise.reject(new Error("no")),
    ),
  );
  await change(there, "pear", "p1");
  await untilTrue(() => pears.length === 2);
  assert.deepEqual(apples, [null]);
  await Promise.all([here.close(), there.close()]);
});
