// The first start, also when it is cut short.
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { completeFirstStart as bootstrap } from "../../src/control/bootstrap.ts";
import type { Control } from "../../src/control/control.ts";
import { type ControlParts, openParts } from "../../src/control/parts.ts";
import { T0 } from "../support/facts.ts";
import { tempFolder } from "../support/temp.ts";

const GIVEN = { adminToken: "Ua9-first-Kd7mQx2Ws8Zt4Lp", apiKey: "Hb3-other-Vn6cRy1Ej5Gu0Oi" };
const ALL = { limit: 100, after: null };
const newPath = () => join(tempFolder(), "control.db");
const open = (path: string) => openParts({ path, clock: () => T0 });

/** Runs `body` while inserts into `table` that `when` fits are refused. */
async function sabotaged(
  path: string,
  table: string,
  when: string,
  body: () => Promise<unknown>,
): Promise<void> {
  const saboteur = new DatabaseSync(path);
  saboteur.exec(
    `CREATE TRIGGER refuse BEFORE INSERT ON ${table} WHEN ${when} BEGIN SELECT RAISE(ABORT, 'refused'); END`,
  );
  await body();
  saboteur.exec("DROP TRIGGER refuse");
  saboteur.close();
}

for (const [what, given] of [
  ["random", {}],
  ["given", GIVEN],
] as const) {
  test(`${what} secrets: no step of the first start is made without its entry`, async () => {
    const path = newPath();
    const parts = await open(path);
    await sabotaged(path, "outbox", "true", () =>
      assert.rejects(bootstrap(parts.control, given), { code: "audit_unavailable" }),
    );
    assert.deepEqual([await parts.tokens.list(ALL), await parts.keys.list(ALL)], [[], []]);
    await sabotaged(path, "outbox", "new.facts LIKE '%api_key_created%'", () =>
      assert.rejects(bootstrap(parts.control, given), { code: "audit_unavailable" }),
    );
    assert.deepEqual([(await parts.tokens.list(ALL)).length, await parts.keys.list(ALL)], [1, []]);
    assert.equal((await parts.control.outboxAfter(0, 10)).length, 1);
    await parts.control.close();
  });
}

test("given secrets are used, shown to nobody else, and a token that was made with them is kept after a crash", async () => {
  const path = newPath();
  const parts = await open(path);
  await sabotaged(path, "api_keys", "true", () => assert.rejects(bootstrap(parts.control, GIVEN)));
  await parts.control.close();
  const again = await open(path);
  assert.deepEqual(await bootstrap(again.control, GIVEN), GIVEN);
  assert.equal(again.tokens.check(GIVEN.adminToken).ok, true);
  assert.equal(again.keys.check(GIVEN.apiKey).ok, true);
  assert.deepEqual(
    (await again.tokens.list(ALL)).map(({ prefix, revokedAt }) => [prefix, revokedAt]),
    [[null, null]],
  );
  assert.deepEqual(
    (await again.control.outboxAfter(0, 10)).map(({ facts }) => facts.action),
    ["token_created", "api_key_created"],
  );
  assert.equal(await bootstrap(again.control, GIVEN), null);
  await again.control.close();
});

test("a crash after the unseen token was revoked is finished too", async () => {
  const path = newPath();
  const parts = await open(path);
  await sabotaged(path, "api_keys", "true", () => assert.rejects(bootstrap(parts.control, {})));
  await sabotaged(path, "tokens", "true", () => assert.rejects(bootstrap(parts.control, {})));
  const secrets = await bootstrap(parts.control, {});
  assert.equal(parts.tokens.check(secrets?.adminToken ?? "").ok, true);
  assert.deepEqual(
    (await parts.control.outboxAfter(0, 10)).map(({ facts }) => facts.action),
    ["token_created", "token_revoked", "token_created", "api_key_created"],
  );
  await parts.control.close();
});

for (const [when, begin] of [
  ["before anything is made", async () => {}],
  [
    "after an unfinished start",
    (path: string, first: ControlParts) =>
      sabotaged(path, "api_keys", "true", () => assert.rejects(bootstrap(first.control, GIVEN))),
  ],
] as const) {
  test(`another process that finishes the first start meanwhile keeps what it shows: ${when}`, async () => {
    const path = newPath();
    const [first, second] = [await open(path), await open(path)];
    await begin(path, first);
    let shown: unknown = null;
    const change: Control["change"] = async (...parts) => {
      shown ??= await bootstrap(first.control, GIVEN);
      return second.control.change(...parts);
    };
    const { reads, clock } = second.control;
    assert.equal(await bootstrap({ change, reads, clock }, {}), null);
    assert.deepEqual(shown, GIVEN);
    await Promise.all([first.control.close(), second.control.close()]);
    const later = await open(path);
    assert.equal(later.tokens.check(GIVEN.adminToken).ok, true);
    assert.equal(later.keys.check(GIVEN.apiKey).ok, true);
    assert.deepEqual([(await later.tokens.list(ALL)).length, (await later.keys.list(ALL)).length], [1, 1]);
    await later.control.close();
  });
}

test("where something was made already, it is no first start", async () => {
  const parts = await open(newPath());
  await parts.keys.create({ caller: "cli" }, { name: "by hand" });
  assert.equal(await bootstrap(parts.control, GIVEN), null);
  assert.deepEqual(await parts.tokens.list(ALL), []);
  await parts.control.close();
});

test("one secret for both is refused, and names the variable but not the secret", async () => {
  const parts = await open(newPath());
  await assert.rejects(bootstrap(parts.control, { ...GIVEN, apiKey: GIVEN.adminToken }), (error: Error) => {
    assert.match(error.message, /DAYBOOK_BOOTSTRAP_API_KEY/);
    assert.ok(!error.message.includes(GIVEN.adminToken));
    return true;
  });
  await parts.control.close();
});
