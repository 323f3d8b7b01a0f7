import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { Control, openControl } from "../../src/control/control.ts";
import type { Facts } from "../../src/event/fields.ts";
import { T0 } from "../support/facts.ts";
import { tempFolder } from "../support/temp.ts";

const ACTOR = { userId: "ada", caller: "http", requestId: "req_1" } as const;
const NODE = "00112233445566aa";

async function open(folder = tempFolder(), clock = () => T0) {
  const path = join(folder, "control.db");
  const control = await openControl({ path, clock, nodeId: NODE });
  return { control, path, folder };
}

/** Every method of Control that changes something, and what its audit entry must say. */
const MUTATIONS: Record<string, { run: (control: Control) => Promise<unknown>; entries: Partial<Facts>[] }> =
  {
    createApiKey: {
      run: (control) => control.createApiKey(ACTOR, { name: "ci", userId: "bob" }),
      entries: [
        {
          action: "api_key_created",
          entityType: "api_key",
          oldValues: null,
          newValues: { name: "ci", user_id: "bob", expires_at: null, secret_stored: true },
        },
      ],
    },
    createToken: {
      run: (control) => control.createToken(ACTOR, { name: "auditor", role: "auditor" }),
      entries: [
        {
          action: "token_created",
          entityType: "token",
          oldValues: null,
          newValues: { name: "auditor", role: "auditor", expires_at: null, secret_stored: true },
        },
      ],
    },
    revokeApiKey: {
      run: async (control) =>
        control.revokeApiKey(ACTOR, (await control.listApiKeys())[0]?.id ?? "", "left the team"),
      entries: [
        {
          action: "api_key_revoked",
          entityType: "api_key",
          oldValues: { revoked_at: null },
          newValues: { revoked_at: T0 },
          justification: "left the team",
        },
      ],
    },
    revokeToken: {
      run: async (control) => control.revokeToken(ACTOR, (await control.listTokens())[0]?.id ?? ""),
      entries: [
        {
          action: "token_revoked",
          entityType: "token",
          oldValues: { revoked_at: null },
          newValues: { revoked_at: T0 },
        },
      ],
    },
  };

/** Methods that change nothing, or are the way that all changes take. */
const OTHERS = [
  "load",
  "change",
  "bootstrap",
  "listApiKeys",
  "listTokens",
  "authenticateKey",
  "authenticateToken",
  "outboxAfter",
  "forgetOutbox",
  "onOutbox",
  "health",
  "close",
];

/** Everything in the database but the outbox. */
function contents(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  const tables = ["api_keys", "tokens", "settings"].map((table) =>
    database.prepare(`SELECT * FROM ${table} ORDER BY 1`).all(),
  );
  database.close();
  return tables;
}

test("every method that changes something is known here", () => {
  const methods = Object.getOwnPropertyNames(Control.prototype).filter((name) => name !== "constructor");
  assert.deepEqual(methods.sort(), [...Object.keys(MUTATIONS), ...OTHERS].sort());
});

for (const [name, { run, entries }] of Object.entries(MUTATIONS)) {
  test(`${name}: the change and its audit entry commit together`, async () => {
    const { control } = await open();
    await control.createApiKey(ACTOR, { name: "there already" });
    await control.createToken(ACTOR, { name: "there already", role: "admin" });
    const before = (await control.outboxAfter(0, 100)).length;
    await run(control);
    const news = (await control.outboxAfter(0, 100)).slice(before);
    assert.equal(news.length, entries.length);
    for (const [index, entry] of entries.entries()) {
      const { facts, nodeId } = news[index] ?? assert.fail("no entry");
      assert.equal(nodeId, NODE);
      for (const [fact, value] of Object.entries({ ...entry, kind: "admin", ...ACTOR })) {
        assert.deepEqual(facts[fact as keyof Facts], value, fact);
      }
    }
    await control.close();
  });

  test(`${name}: an outbox that cannot be written rolls the change back`, async () => {
    const { control, path } = await open();
    await control.createApiKey(ACTOR, { name: "there already" });
    await control.createToken(ACTOR, { name: "there already", role: "admin" });
    const saboteur = new DatabaseSync(path);
    saboteur.exec("CREATE TRIGGER refuse BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'refused'); END");
    saboteur.close();
    const before = contents(path);
    await assert.rejects(run(control), { code: "audit_unavailable" });
    assert.deepEqual(contents(path), before);
    await control.close();
  });
}

test("a key works until it expires or is revoked, and is then known by its id", async () => {
  let now = T0;
  const { control } = await open(tempFolder(), () => now);
  const { id, secret } = await control.createApiKey(ACTOR, {
    name: "ci",
    userId: "bob",
    expiresAt: T0 + 1000,
  });
  assert.deepEqual(control.authenticateKey(secret), { ok: true, key: { id, userId: "bob", name: "ci" } });
  assert.deepEqual(control.authenticateKey(`${secret}x`), { ok: false, reason: "unknown" });
  now = T0 + 1000;
  assert.deepEqual(control.authenticateKey(secret), { ok: false, reason: "key_expired", keyId: id });
  await control.revokeApiKey(ACTOR, id);
  assert.deepEqual(control.authenticateKey(secret), { ok: false, reason: "key_revoked", keyId: id });
  assert.equal(await control.revokeApiKey(ACTOR, id), false);
  assert.equal(await control.revokeApiKey(ACTOR, "key_none"), false);
  await control.close();
});

test("keys and tokens are known again after a restart", async () => {
  const { control, folder } = await open();
  const key = await control.createApiKey(ACTOR, { name: "ci" });
  const token = await control.createToken(ACTOR, { name: "reader", role: "auditor" });
  await control.close();
  const again = await open(folder);
  assert.equal(again.control.authenticateKey(key.secret).ok, true);
  assert.equal(again.control.authenticateToken(token.secret).ok, true);
  assert.equal(again.control.authenticateToken(key.secret).ok, false);
  await again.control.close();
});

test("no secret stands in any byte of control.db, and the files are the owner's alone", async () => {
  const { control, folder } = await open();
  const secrets = [
    (await control.createApiKey(ACTOR, { name: "ci" })).secret,
    (await control.createToken(ACTOR, { name: "t", role: "admin" })).secret,
  ];
  const given = { adminToken: "a-Given-Token-0123456789-zyxw", apiKey: "b-Given-Key-9876543210-abcdef" };
  const first = await open();
  await first.control.bootstrap(given);
  for (const at of [folder, first.folder]) {
    for (const name of readdirSync(at)) {
      const bytes = readFileSync(join(at, name)).toString("latin1");
      for (const secret of [...secrets, ...Object.values(given)]) {
        assert.ok(!bytes.includes(secret.slice(12)), `${name} holds a secret`);
      }
      assert.equal(statSync(join(at, name)).mode & 0o077, 0, name);
    }
  }
  await control.close();
  await first.control.close();
});

test("the first start makes one admin token and one key, once, and their entries are the outbox's first", async () => {
  const { control, folder } = await open();
  const secrets = await control.bootstrap();
  assert.equal(control.authenticateKey(secrets?.apiKey ?? "").ok, true);
  const token = control.authenticateToken(secrets?.adminToken ?? "");
  assert.equal(token.ok && token.token.role, "admin");
  const actions = (await control.outboxAfter(0, 10)).map(({ facts }) => facts.action);
  assert.deepEqual(actions, ["token_created", "api_key_created"]);
  assert.equal(await control.bootstrap(), null);
  await control.close();
  const again = await open(folder);
  assert.equal(await again.control.bootstrap(), null);
  await again.control.close();
});

test("a first start that did not finish is finished by the next one, and nobody keeps a token that nobody was shown", async () => {
  const { control, path, folder } = await open();
  const saboteur = new DatabaseSync(path);
  saboteur.exec("CREATE TRIGGER refuse BEFORE INSERT ON api_keys BEGIN SELECT RAISE(ABORT, 'refused'); END");
  await assert.rejects(control.bootstrap());
  saboteur.exec("DROP TRIGGER refuse");
  saboteur.close();
  await control.close();
  const again = await open(folder);
  const secrets = await again.control.bootstrap();
  assert.equal(again.control.authenticateToken(secrets?.adminToken ?? "").ok, true);
  const live = (await again.control.listTokens()).filter(({ revokedAt }) => revokedAt === null);
  assert.equal(live.length, 1);
  await again.control.close();
});

test("bootstrap secrets that could be guessed are refused, and nothing is made", async () => {
  const { control } = await open();
  for (const weak of [
    "short",
    "changeme-changeme-changeme",
    "a".repeat(40),
    "0123456789012345678901234567",
    "password-password-password",
  ]) {
    await assert.rejects(control.bootstrap({ adminToken: weak }), { code: "weak_secret" }, weak);
  }
  assert.deepEqual(
    [await control.listTokens(), await control.listApiKeys(), await control.outboxAfter(0, 10)],
    [[], [], []],
  );
  await control.close();
});

test("changes from many sides at once all commit, each with its entry, in order", async () => {
  const { control } = await open();
  await Promise.all(Array.from({ length: 20 }, (_, n) => control.createApiKey(ACTOR, { name: `key ${n}` })));
  const entries = await control.outboxAfter(0, 100);
  assert.deepEqual(
    entries.map(({ id }) => id),
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  assert.equal((await control.listApiKeys()).length, 20);
  await control.forgetOutbox(15);
  assert.deepEqual(
    (await control.outboxAfter(0, 100)).map(({ id }) => id),
    [16, 17, 18, 19, 20],
  );
  await control.close();
});
