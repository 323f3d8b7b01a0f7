// API keys: what clients of the gateway present. Made, rotated, revoked, and shown without their secret.
import type { Selectable } from "kysely";
import { DaybookError } from "../event/errors.ts";
import type { Actor, Difference } from "./change.ts";
import type { Change, Control, Reads } from "./control.ts";
import { Credentials, type Held } from "./credentials.ts";
import { future, line, newId } from "./given.ts";
import { type Page, pageOf } from "./pages.ts";
import type { PeopleTables } from "./people-tables.ts";
import { newSecret, type Secret } from "./secrets.ts";
import { type Users, userNamed } from "./users.ts";

export interface ApiKeyIdentity {
  readonly id: string;
  readonly userId: string | null;
  readonly name: string;
  /** Globs of the models that it may ask for (`gpt-*`); null: every model. */
  readonly models: readonly string[] | null;
}

export interface ApiKey extends ApiKeyIdentity {
  /** First characters of the secret; null where somebody else chose it. */
  readonly prefix: string | null;
  /** UTC ms, as the next two; null: never. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

export interface NewApiKey {
  /** 1–128 characters, for people. */
  readonly name: string;
  /** UTC ms, in the future; absent or null: never. */
  readonly expiresAt?: number | null | undefined;
  /** Id or name of the user whose requests these are: `user_id` of their events. */
  readonly userId?: string | null | undefined;
  /** 1–64 globs, where `*` stands for any characters; absent or null: every model. */
  readonly models?: readonly string[] | null | undefined;
}

/** `keyId` is there when the key is known. */
export type KeyCheck =
  | { readonly ok: true; readonly key: ApiKeyIdentity }
  | {
      readonly ok: false;
      readonly reason: "missing" | "unknown" | "key_expired" | "key_revoked" | "user_disabled";
      readonly keyId?: string;
    };

/** Shown this once. */
export interface Issued {
  readonly id: string;
  readonly secret: string;
}

type Row = Selectable<PeopleTables["api_keys"]>;

const ENTITY = "api_key";
const MAX_OVERLAP_MS = 90 * 86_400_000;
/** What a model's name may have (event/fields.ts), and `*`. */
const GLOB = /^[A-Za-z0-9._:/@+*-]{1,128}$/;
const MAX_GLOBS = 64;

export class ApiKeys {
  readonly #control: Control;
  readonly #users: Pick<Users, "isActive">;
  readonly #held = new Credentials<ApiKeyIdentity>();

  constructor(control: Control, users: Pick<Users, "isActive">) {
    this.#control = control;
    this.#users = users;
    control.onChanged(ENTITY, async (reads, id) => {
      const held = await heldKeys(reads, id);
      return () => (id === null ? this.#held.holdOnly(held) : this.#held.hold(held));
    });
  }

  /** Whose API key was presented. From memory: it never waits. */
  check(presented: string): KeyCheck {
    const check = this.#held.check(presented, this.#control.clock());
    if (!check.ok) {
      if (!("identity" in check)) return check;
      return { ok: false, reason: `key_${check.reason}`, keyId: check.identity.id };
    }
    const { id, userId } = check.identity;
    if (userId !== null && !this.#users.isActive(userId))
      return { ok: false, reason: "user_disabled", keyId: id };
    return { ok: true, key: check.identity };
  }

  async create(actor: Actor, key: NewApiKey): Promise<Issued> {
    const secret = newSecret("dbk");
    const made = await this.#control.change(
      actor,
      { action: "api_key_created", entityType: ENTITY },
      (change) => insertApiKey(change, key, secret, this.#control.clock()),
    );
    return { id: made?.entityId ?? "", secret: secret.text };
  }

  /**
   * Gives the key another secret; the old one stays good for `overlapMs` (at most 90 days), and those before it no
   * longer than that. Throws `unknown_entity`,
   * or `conflict` when the key is revoked or has expired.
   */
  async rotate(actor: Actor, id: string, overlapMs: number, justification?: string | null): Promise<Issued> {
    if (!Number.isSafeInteger(overlapMs) || overlapMs < 0 || overlapMs > MAX_OVERLAP_MS)
      throw new DaybookError("bad_argument", "The overlap must be between 0 and 90 days.");
    const secret = newSecret("dbk");
    await this.#control.change(
      actor,
      { action: "api_key_rotated", entityType: ENTITY, justification },
      (change) => rotate(change, id, secret, { now: this.#control.clock(), overlapMs }),
    );
    return { id, secret: secret.text };
  }

  /** New requests are refused at once. Throws `unknown_entity`, or `conflict` when it is revoked already. */
  async revoke(actor: Actor, id: string, justification?: string | null): Promise<void> {
    await this.#control.change(
      actor,
      { action: "api_key_revoked", entityType: ENTITY, justification },
      (change) => revoke(change, "api_keys", id, this.#control.clock()),
    );
  }

  /** null: there is none. */
  async get(id: string): Promise<ApiKey | null> {
    const row = await rowOf(this.#control.reads, id);
    return row === undefined ? null : apiKeyOf(row);
  }

  async list(page: Page): Promise<ApiKey[]> {
    return (await pageOf(this.#control.reads, "api_keys", page)).map(apiKeyOf);
  }
}

/** Adds an API key. Throws `bad_argument` on what it cannot have, `unknown_entity` for its user. */
export async function insertApiKey(
  change: Change,
  { name, userId, models, expiresAt }: NewApiKey,
  { hash, prefix }: Secret,
  now: number,
): Promise<Difference> {
  const user_id = userId == null ? null : (await userNamed(change, userId)).id;
  const globs = models == null ? null : modelGlobs(models);
  const row: Row = {
    id: newId("key"),
    name: line("name", name, 128),
    prefix,
    hash,
    created_at: now,
    expires_at: future("expires_at", expiresAt, now),
    revoked_at: null,
    user_id,
    models: globs === null ? null : JSON.stringify(globs),
  };
  await change.insertInto("api_keys").values(row).execute();
  const newValues = {
    name: row.name,
    user_id,
    models: globs,
    expires_at: row.expires_at,
    secret_stored: true,
  };
  return { entityId: row.id, oldValues: null, newValues };
}

function modelGlobs(models: readonly string[]): readonly string[] {
  if (models.length > 0 && models.length <= MAX_GLOBS && models.every((model) => GLOB.test(model)))
    return models;
  throw new DaybookError(
    "bad_argument",
    `models must be 1 to ${MAX_GLOBS} names of models, in which * stands for any characters.`,
  );
}

async function rotate(
  change: Change,
  id: string,
  { hash, prefix }: Secret,
  { now, overlapMs }: { readonly now: number; readonly overlapMs: number },
): Promise<Difference> {
  const row = await rowOf(change, id);
  if (row === undefined) throw new DaybookError("unknown_entity", `API key ${JSON.stringify(id)}`);
  if (row.revoked_at !== null) throw new DaybookError("conflict", "The API key is revoked.");
  if (row.expires_at !== null && row.expires_at <= now)
    throw new DaybookError("conflict", "The API key has expired.");
  const valid_until = now + overlapMs;
  // A secret that was rotated away before is good for no longer than the one that goes now.
  await change
    .updateTable("retired_secrets")
    .set({ valid_until })
    .where("key_id", "=", id)
    .where("valid_until", ">", valid_until)
    .execute();
  await change.insertInto("retired_secrets").values({ hash: row.hash, key_id: id, valid_until }).execute();
  await change.updateTable("api_keys").set({ hash, prefix }).where("id", "=", id).execute();
  return {
    entityId: id,
    oldValues: { prefix: row.prefix, old_secret_valid_until: null },
    newValues: { prefix, old_secret_valid_until: valid_until },
  };
}

/** Throws `unknown_entity`, or `conflict` when it is revoked already. */
export async function revoke(
  change: Change,
  table: "api_keys" | "tokens",
  id: string,
  now: number,
): Promise<Difference> {
  const what = table === "tokens" ? "token" : "API key";
  const row = await change.selectFrom(table).select("revoked_at").where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new DaybookError("unknown_entity", `${what} ${JSON.stringify(id)}`);
  if (row.revoked_at !== null) throw new DaybookError("conflict", `The ${what} is revoked already.`);
  await change.updateTable(table).set({ revoked_at: now }).where("id", "=", id).execute();
  return { entityId: id, oldValues: { revoked_at: null }, newValues: { revoked_at: now } };
}

function rowOf(reads: Reads, id: string): Promise<Row | undefined> {
  return reads.selectFrom("api_keys").selectAll().where("id", "=", id).executeTakeFirst();
}

/** The key's secrets, or those of all keys: the one it has, and those that were rotated away. */
async function heldKeys(reads: Reads, id: string | null): Promise<Held<ApiKeyIdentity>[]> {
  const keys = reads.selectFrom("api_keys").selectAll();
  const retired = reads.selectFrom("retired_secrets").selectAll();
  const rows = await (id === null ? keys : keys.where("id", "=", id)).execute();
  const secrets = await (id === null ? retired : retired.where("key_id", "=", id)).execute();
  const byId = new Map(rows.map((row) => [row.id, heldOf(row)]));
  const before = secrets.flatMap(({ hash, key_id, valid_until }): Held<ApiKeyIdentity>[] => {
    const key = byId.get(key_id);
    return key === undefined
      ? []
      : [{ ...key, hash, expiresAt: Math.min(valid_until, key.expiresAt ?? valid_until) }];
  });
  return [...byId.values(), ...before];
}

function heldOf(row: Row): Held<ApiKeyIdentity> {
  return { hash: row.hash, identity: identityOf(row), expiresAt: row.expires_at, revokedAt: row.revoked_at };
}

function identityOf({ id, user_id, name, models }: Row): ApiKeyIdentity {
  return { id, userId: user_id, name, models: models === null ? null : (JSON.parse(models) as string[]) };
}

function apiKeyOf(row: Row): ApiKey {
  const { prefix, created_at, expires_at, revoked_at } = row;
  return {
    ...identityOf(row),
    prefix,
    createdAt: created_at,
    expiresAt: expires_at,
    revokedAt: revoked_at,
  };
}
