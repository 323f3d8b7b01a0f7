// The first start, also when it is cut short.
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Kysely } from "kysely";
import { completeFirstStart } from "../../src/control/bootstrap.ts";
import { type Control, openControl } from "../../src/control/control.ts";
import { kyselyOver, openDatabase } from "../../src/control/database.ts";
import type { ChangeableTables } from "../../src/control/tables.ts";
import { T0 } from "../support/facts.ts";
import { tempFolder } from "../support/temp.ts";

const GIVEN = { adminToken: "Ua9-first-Kd7mQx2Ws8Zt4Lp", apiKey: "Hb3-other-Vn6cRy1Ej5Gu0Oi" };
const newPath = () => join(tempFolder(), "control.db");
const open = (path: string) => openControl({ path, clock: () => T0 });

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
    const control = await open(path);
    await sabotaged(path, "outbox", "true", () =>
      assert.rejects(control.bootstrap(given), { code: "audit_unavailable" }),
    );
    assert.deepEqual([await control.listTokens(), await control.listApiKeys()], [[], []]);
    await sabotaged(path, "outbox", "new.facts LIKE '%api_key_created%'", () =>
      assert.rejects(control.bootstrap(given), { code: "audit_unavailable" }),
    );
    assert.deepEqual([(await control.listTokens()).length, await control.listApiKeys()], [1, []]);
    assert.equal((await control.outboxAfter(0, 10)).length, 1);
    await control.close();
  });
}

test("given secrets are used, shown to nobody else, and a token that was made with them is kept after a crash", async () => {
  const path = newPath();
  const control = await open(path);
  await sabotaged(path, "api_keys", "true", () => assert.rejects(control.bootstrap(GIVEN)));
  await control.close();
  const again = await open(path);
  assert.deepEqual(await again.bootstrap(GIVEN), GIVEN);
  assert.equal(again.authenticateToken(GIVEN.adminToken).ok, true);
  assert.equal(again.authenticateKey(GIVEN.apiKey).ok, true);
  assert.deepEqual(
    (await again.listTokens()).map(({ prefix, revokedAt }) => [prefix, revokedAt]),
    [[null, null]],
  );
  assert.deepEqual(
    (await again.outboxAfter(0, 10)).map(({ facts }) => facts.action),
    ["token_created", "api_key_created"],
  );
  assert.equal(await again.bootstrap(GIVEN), null);
  await again.close();
});

test("a crash after the unseen token was revoked is finished too", async () => {
  const path = newPath();
  const control = await open(path);
  await sabotaged(path, "api_keys", "true", () => assert.rejects(control.bootstrap()));
  await sabotaged(path, "tokens", "true", () => assert.rejects(control.bootstrap()));
  const secrets = await control.bootstrap();
  assert.equal(control.authenticateToken(secrets?.adminToken ?? "").ok, true);
  assert.deepEqual(
    (await control.outboxAfter(0, 10)).map(({ facts }) => facts.action),
    ["token_created", "token_revoked", "token_created", "api_key_created"],
  );
  await control.close();
});

for (const [when, begin] of [
  ["before anything is made", async () => {}],
  [
    "after an unfinished start",
    (path: string, first: Control) =>
      sabotaged(path, "api_keys", "true", () => assert.rejects(first.bootstrap(GIVEN))),
  ],
] as const) {
  test(`another process that finishes the first start meanwhile keeps what it shows: ${when}`, async () => {
    const path = newPath();
    const [first, second] = [await open(path), await open(path)];
    await begin(path, first);
    const file = openDatabase(path);
    let shown: unknown = null;
    const change: Control["change"] = async (...parts) => {
      shown ??= await first.bootstrap(GIVEN);
      return second.change(...parts);
    };
    assert.equal(
      await completeFirstStart(
        kyselyOver(file) as unknown as Kysely<ChangeableTables>,
        { change },
        {},
        () => T0,
      ),
      null,
    );
    assert.deepEqual(shown, GIVEN);
    file.close();
    await Promise.all([first.close(), second.close()]);
    const later = await open(path);
    assert.equal(later.authenticateToken(GIVEN.adminToken).ok, true);
    assert.equal(later.authenticateKey(GIVEN.apiKey).ok, true);
    assert.deepEqual([(await later.listTokens()).length, (await later.listApiKeys()).length], [1, 1]);
    await later.close();
  });
}

test("where something was made already, it is no first start", async () => {
  const control = await open(newPath());
  await control.createApiKey({ caller: "cli" }, { name: "by hand" });
  assert.equal(await control.bootstrap(GIVEN), null);
  assert.deepEqual(await control.listTokens(), []);
  await control.close();
});

test("one secret for both is refused, and names the variable but not the secret", async () => {
  const control = await open(newPath());
  await assert.rejects(control.bootstrap({ ...GIVEN, apiKey: GIVEN.adminToken }), (error: Error) => {
    assert.match(error.message, /DAYBOOK_BOOTSTRAP_API_KEY/);
    assert.ok(!error.message.includes(GIVEN.adminToken));
    return true;
  });
  await control.close();
});
