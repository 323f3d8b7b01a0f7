// Keys, tokens and users over a real control.db: what they promise, and that each change has its entry.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { completeFirstStart } from "../../src/control/bootstrap.ts";
import { type ControlParts, openParts } from "../../src/control/parts.ts";
import type { Facts } from "../../src/event/fields.ts";
import { CHEAP } from "../support/daybook.ts";
import { T0 } from "../support/facts.ts";
import { tempFolder } from "../support/temp.ts";

const ACTOR = { userId: "ada", caller: "http", requestId: "req_1" } as const;
const NODE = "00112233445566aa";

const ALL = { limit: 100, after: null };

async function open(folder = tempFolder(), clock = () => T0) {
  const path = join(folder, "control.db");
  const parts = await openParts({ path, clock, nodeId: NODE, scrypt: CHEAP });
  return { ...parts, path, folder };
}

const PASSWORD = "correct horse battery";

interface Mutation {
  readonly run: (parts: ControlParts) => Promise<unknown>;
  readonly entry: Partial<Facts>;
}

const first = async (list: { list(page: typeof ALL): Promise<{ id: string }[]> }) =>
  (await list.list(ALL))[0]?.id ?? "";

/** What each change must say. */
const MUTATIONS: Record<string, Mutation> = {
  "a key is made": {
    run: ({ keys }) => keys.create(ACTOR, { name: "ci", userId: "bob", models: ["gpt-*"] }),
    entry: {
      action: "api_key_created",
      entityType: "api_key",
      oldValues: null,
      newValues: {
        name: "ci",
        user_id: "BOB",
        models: ["gpt-*"],
        expires_at: null,
        secret_stored: true,
      },
    },
  },
  "a key is revoked": {
    run: async ({ keys }) => keys.revoke(ACTOR, await first(keys), "left the team"),
    entry: {
      action: "api_key_revoked",
      entityType: "api_key",
      oldValues: { revoked_at: null },
      newValues: { revoked_at: T0 },
      justification: "left the team",
    },
  },
  "a token is made": {
    run: ({ tokens }) =>
      tokens.create(ACTOR, { name: "auditor", role: "auditor", scopes: ["audit:read"], userId: "bob" }),
    entry: {
      action: "token_created",
      entityType: "token",
      oldValues: null,
      newValues: {
        name: "auditor",
        role: "auditor",
        scopes: ["audit:read"],
        user_id: "BOB",
        expires_at: null,
        secret_stored: true,
      },
    },
  },
  "a token is revoked": {
    run: async ({ tokens }) => tokens.revoke(ACTOR, await first(tokens)),
    entry: {
      action: "token_revoked",
      entityType: "token",
      oldValues: { revoked_at: null },
      newValues: { revoked_at: T0 },
    },
  },
  "a user is made": {
    run: ({ users }) => users.create(ACTOR, { name: "cleo", role: "viewer", password: PASSWORD }),
    entry: {
      action: "user_created",
      entityType: "user",
      oldValues: null,
      newValues: { name: "cleo", role: "viewer", password_stored: true, disabled_at: null },
    },
  },
  "a user is changed": {
    run: ({ users }) => users.update(ACTOR, "bob", { role: "admin", password: PASSWORD, disabled: true }),
    entry: {
      action: "user_updated",
      entityType: "user",
      oldValues: { role: "viewer", password_stored: false, disabled_at: null, password_changed: false },
      newValues: { role: "admin", password_stored: true, disabled_at: T0, password_changed: true },
    },
  },
  "a user is deleted": {
    run: ({ users }) => users.delete(ACTOR, "bob", "asked for it"),
    entry: {
      action: "user_deleted",
      entityType: "user",
      oldValues: { name: "bob", role: "viewer", password_stored: false, disabled_at: null },
      newValues: null,
      justification: "asked for it",
    },
  },
};

/** What there is before each change. */
async function populated() {
  const parts = await open();
  await parts.users.create(ACTOR, { name: "bob", role: "viewer" });
  await parts.keys.create(ACTOR, { name: "there already" });
  await parts.tokens.create(ACTOR, { name: "there already", role: "admin" });
  return parts;
}

/** Everything in the database but the outbox. */
function contents(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  const tables = ["api_keys", "tokens", "users", "sessions", "retired_secrets", "revisions", "settings"].map(
    (table) => database.prepare(`SELECT * FROM ${table} ORDER BY 1`).all(),
  );
  database.close();
  return tables;
}

for (const [name, { run, entry }] of Object.entries(MUTATIONS)) {
  test(`${name}: the change and its audit entry commit together`, async () => {
    const parts = await populated();
    const bob = await first(parts.users);
    const before = (await parts.control.outboxAfter(0, 100)).length;
    await run(parts);
    const news = (await parts.control.outboxAfter(0, 100)).slice(before);
    assert.equal(news.length, 1);
    const { facts, nodeId } = news[0] ?? assert.fail("no entry");
    assert.equal(nodeId, NODE);
    for (const [fact, value] of Object.entries({ ...entry, kind: "admin", ...ACTOR })) {
      const expected = JSON.parse(JSON.stringify(value).replaceAll('"BOB"', `"${bob}"`));
      assert.deepEqual(facts[fact as keyof Facts], expected, fact);
    }
    await parts.control.close();
  });

  test(`${name}: an outbox that cannot be written rolls the change back`, async () => {
    const parts = await populated();
    const saboteur = new DatabaseSync(parts.path);
    saboteur.exec("CREATE TRIGGER refuse BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'refused'); END");
    saboteur.close();
    const before = contents(parts.path);
    await assert.rejects(run(parts), { code: "audit_unavailable" });
    assert.deepEqual(contents(parts.path), before);
    await parts.control.close();
  });
}

test("a key works until it expires or is revoked, and is then known by its id", async () => {
  let now = T0;
  const { control, keys, users } = await open(tempFolder(), () => now);
  const { id: userId } = await users.create(ACTOR, { name: "bob", role: "viewer" });
  const { id, secret } = await keys.create(ACTOR, { name: "ci", userId: "bob", expiresAt: T0 + 1000 });
  assert.deepEqual(keys.check(secret), { ok: true, key: { id, userId, name: "ci", models: null } });
  assert.deepEqual(keys.check(`${secret}x`), { ok: false, reason: "unknown" });
  now = T0 + 1000;
  assert.deepEqual(keys.check(secret), { ok: false, reason: "key_expired", keyId: id });
  await keys.revoke(ACTOR, id);
  assert.deepEqual(keys.check(secret), { ok: false, reason: "key_revoked", keyId: id });
  await assert.rejects(keys.revoke(ACTOR, id), { code: "conflict" });
  await assert.rejects(keys.revoke(ACTOR, "key_none"), { code: "unknown_entity" });
  await control.close();
});

test("keys and tokens are known again after a restart", async () => {
  const { control, keys, tokens, folder } = await open();
  const key = await keys.create(ACTOR, { name: "ci" });
  const token = await tokens.create(ACTOR, { name: "reader", role: "auditor" });
  await control.close();
  const again = await open(folder);
  assert.equal(again.keys.check(key.secret).ok, true);
  assert.equal(again.tokens.check(token.secret).ok, true);
  assert.equal(again.tokens.check(key.secret).ok, false);
  await again.control.close();
});

test("no secret stands in any byte of control.db, and the files are the owner's alone", async () => {
  const { control, keys, tokens, users, sessions, folder } = await open();
  await users.create(ACTOR, { name: "ann", role: "viewer", password: PASSWORD });
  const login = await sessions.login(ACTOR, "ann", PASSWORD);
  const secrets = [
    (await keys.create(ACTOR, { name: "ci" })).secret,
    (await tokens.create(ACTOR, { name: "t", role: "admin" })).secret,
    login.ok ? login.secret : assert.fail("not logged in"),
  ];
  const given = { adminToken: "a-Given-Token-0123456789-zyxw", apiKey: "b-Given-Key-9876543210-abcdef" };
  const started = await open();
  await completeFirstStart(started.control, given);
  for (const at of [folder, started.folder]) {
    for (const name of readdirSync(at)) {
      const bytes = readFileSync(join(at, name)).toString("latin1");
      const texts = [...secrets, ...Object.values(given)].map((secret) => secret.slice(12));
      for (const text of [...texts, PASSWORD]) {
        assert.ok(!bytes.includes(text), `${name} holds a secret`);
      }
      assert.equal(statSync(join(at, name)).mode & 0o077, 0, name);
    }
  }
  await control.close();
  await started.control.close();
});

test("the first start makes one admin token and one key, once, and their entries are the outbox's first", async () => {
  const { control, keys, tokens, folder } = await open();
  const secrets = await completeFirstStart(control, {});
  assert.equal(keys.check(secrets?.apiKey ?? "").ok, true);
  const token = tokens.check(secrets?.adminToken ?? "");
  assert.equal(token.ok && token.token.role, "admin");
  const actions = (await control.outboxAfter(0, 10)).map(({ facts }) => facts.action);
  assert.deepEqual(actions, ["token_created", "api_key_created"]);
  assert.equal(await completeFirstStart(control, {}), null);
  await control.close();
  const again = await open(folder);
  assert.equal(await completeFirstStart(again.control, {}), null);
  await again.control.close();
});

test("a first start that did not finish is finished by the next one, and nobody keeps a token that nobody was shown", async () => {
  const { control, path, folder } = await open();
  const saboteur = new DatabaseSync(path);
  saboteur.exec("CREATE TRIGGER refuse BEFORE INSERT ON api_keys BEGIN SELECT RAISE(ABORT, 'refused'); END");
  await assert.rejects(completeFirstStart(control, {}));
  saboteur.exec("DROP TRIGGER refuse");
  saboteur.close();
  await control.close();
  const again = await open(folder);
  const secrets = await completeFirstStart(again.control, {});
  assert.equal(again.tokens.check(secrets?.adminToken ?? "").ok, true);
  const live = (await again.tokens.list(ALL)).filter(({ revokedAt }) => revokedAt === null);
  assert.equal(live.length, 1);
  await again.control.close();
});

test("bootstrap secrets that could be guessed are refused, and nothing is made", async () => {
  const { control, keys, tokens } = await open();
  for (const weak of [
    "short",
    "changeme-changeme-changeme",
    "a".repeat(40),
    "0123456789012345678901234567",
    "password-password-password",
  ]) {
    await assert.rejects(completeFirstStart(control, { adminToken: weak }), { code: "weak_secret" }, weak);
  }
  assert.deepEqual(
    [await tokens.list(ALL), await keys.list(ALL), await control.outboxAfter(0, 10)],
    [[], [], []],
  );
  await control.close();
});

test("changes from many sides at once all commit, each with its entry, in order", async () => {
  const { control, keys } = await open();
  await Promise.all(Array.from({ length: 20 }, (_, n) => keys.create(ACTOR, { name: `key ${n}` })));
  const entries = await control.outboxAfter(0, 100);
  assert.deepEqual(
    entries.map(({ id }) => id),
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  assert.equal((await keys.list(ALL)).length, 20);
  await control.forgetOutbox(15);
  assert.deepEqual(
    (await control.outboxAfter(0, 100)).map(({ id }) => id),
    [16, 17, 18, 19, 20],
  );
  await control.close();
});

test("after a rotation the old secret is good for the overlap, and then known as expired", async () => {
  let now = T0;
  const { control, keys, folder } = await open(tempFolder(), () => now);
  const { id, secret: first } = await keys.create(ACTOR, { name: "ci" });
  const { secret: second } = await keys.rotate(ACTOR, id, 1000, "monthly");
  assert.deepEqual([keys.check(first).ok, keys.check(second).ok], [true, true]);
  now += 500;
  const { secret: third } = await keys.rotate(ACTOR, id, 0);
  assert.deepEqual(
    [first, second, third].map((secret) => keys.check(secret).ok),
    // Neither the one that goes nor one that went before it.
    [false, false, true],
  );
  now += 500;
  await control.close();
  const again = await open(folder, () => now);
  for (const old of [first, second])
    assert.deepEqual(again.keys.check(old), { ok: false, reason: "key_expired", keyId: id });
  assert.equal(again.keys.check(third).ok, true);
  await again.keys.revoke(ACTOR, id);
  for (const each of [first, third])
    assert.deepEqual(again.keys.check(each), { ok: false, reason: "key_revoked", keyId: id });
  await assert.rejects(again.keys.rotate(ACTOR, id, 0), { code: "conflict" });
  await assert.rejects(again.keys.rotate(ACTOR, "key_none", 0), { code: "unknown_entity" });
  await again.control.close();
});

test("what an entity cannot have is refused, by name, and nothing is made", async () => {
  const { control, keys, tokens, users } = await open();
  await users.create(ACTOR, { name: "Bob", role: "viewer" });
  const refused: [Promise<unknown>, string, RegExp][] = [
    [keys.create(ACTOR, { name: "" }), "bad_argument", /^name must/],
    [keys.create(ACTOR, { name: "two\nlines" }), "bad_argument", /^name must/],
    [keys.create(ACTOR, { name: "k", expiresAt: T0 }), "bad_argument", /^expires_at must/],
    [keys.create(ACTOR, { name: "k", userId: "nobody" }), "unknown_entity", /nobody/],
    [keys.create(ACTOR, { name: "k", models: [] }), "bad_argument", /^models must/],
    [keys.create(ACTOR, { name: "k", models: ["a b"] }), "bad_argument", /^models must/],
    [
      keys.create(ACTOR, { name: "sk-proj-0123456789abcdefghijklmnop" }),
      "bad_argument",
      /name looks like a secret/,
    ],
    [tokens.create(ACTOR, { name: "t", role: "boss" as "admin" }), "bad_argument", /^role must/],
    [tokens.create(ACTOR, { name: "t", role: "admin", scopes: [] }), "bad_argument", /^scopes must/],
    [
      tokens.create(ACTOR, { name: "t", role: "admin", scopes: ["all" as "admin"] }),
      "bad_argument",
      /^scopes must/,
    ],
    [users.create(ACTOR, { name: "BOB", role: "viewer" }), "conflict", /of this name/],
    [
      users.create(ACTOR, { name: "ann", role: "viewer", password: "short" }),
      "weak_password",
      /12 characters/,
    ],
    [users.update(ACTOR, "nobody", { role: "admin" }), "unknown_entity", /nobody/],
  ];
  for (const [promise, code, message] of refused) await assert.rejects(promise, { code, message });
  assert.equal((await control.outboxAfter(0, 100)).length, 1);
  await control.close();
});

test("a change that changes nothing leaves no entry", async () => {
  const { control, users } = await open();
  const { id } = await users.create(ACTOR, { name: "bob", role: "viewer" });
  assert.equal((await users.update(ACTOR, id, { role: "viewer", disabled: false })).role, "viewer");
  assert.equal((await control.outboxAfter(0, 100)).length, 1);
  await control.close();
});

test("lists go newest first, page by page, each entry once", async () => {
  let now = T0;
  const { control, keys } = await open(tempFolder(), () => now);
  for (let n = 0; n < 7; n++) {
    // Some are made in the same millisecond.
    now += n % 2;
    await keys.create(ACTOR, { name: `key ${n}` });
  }
  const seen: string[] = [];
  let after: { createdAt: number; id: string } | null = null;
  for (;;) {
    const page: Awaited<ReturnType<typeof keys.list>> = await keys.list({ limit: 2, after });
    seen.push(...page.map(({ id }) => id));
    const last = page.at(-1);
    if (last === undefined) break;
    after = last;
  }
  assert.deepEqual(
    seen,
    (await keys.list(ALL)).map(({ id }) => id),
  );
  assert.equal(new Set(seen).size, 7);
  await control.close();
});
