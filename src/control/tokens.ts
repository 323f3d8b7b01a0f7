// Tokens: what people's programs present to the API. A role says how far a token may go, scopes narrow it.
import type { Selectable } from "kysely";
import { DaybookError } from "../event/errors.ts";
import { type Issued, revoke } from "./api-keys.ts";
import type { Actor, Difference } from "./change.ts";
import type { Change, Control } from "./control.ts";
import { Credentials, type Held, type Presented } from "./credentials.ts";
import { future, line, newId, oneOf } from "./given.ts";
import { type Page, pageOf } from "./pages.ts";
import { type PeopleTables, ROLES, type Role, SCOPES, type Scope } from "./people-tables.ts";
import { newSecret, type Secret } from "./secrets.ts";
import { type Users, userNamed } from "./users.ts";

export interface TokenIdentity {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** null: everything that the role allows. */
  readonly scopes: readonly Scope[] | null;
  readonly userId: string | null;
}

export interface Token extends TokenIdentity {
  /** First characters of the secret; null where somebody else chose it. */
  readonly prefix: string | null;
  /** UTC ms, as the next two; null: never. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

export interface NewToken {
  /** 1–128 characters, for people. */
  readonly name: string;
  readonly role: Role;
  /** Absent or null: everything that the role allows. */
  readonly scopes?: readonly Scope[] | null | undefined;
  /** Id or name of the user whose token it is; a viewer's token reads this user's events. */
  readonly userId?: string | null | undefined;
  /** UTC ms, in the future; absent or null: never. */
  readonly expiresAt?: number | null | undefined;
}

/** `tokenId` is there when the token is known. */
export type TokenCheck =
  | { readonly ok: true; readonly token: TokenIdentity }
  | {
      readonly ok: false;
      readonly reason: "missing" | "unknown" | "token_expired" | "token_revoked" | "user_disabled";
      readonly tokenId?: string;
    };

type Row = Selectable<PeopleTables["tokens"]>;

const ENTITY = "token";

export class Tokens {
  readonly #control: Control;
  readonly #users: Pick<Users, "isActive">;
  readonly #held = new Credentials<TokenIdentity>();

  constructor(control: Control, users: Pick<Users, "isActive">) {
    this.#control = control;
    this.#users = users;
    control.onChanged(ENTITY, async (reads, id) => {
      const all = reads.selectFrom("tokens").selectAll();
      const held = (await (id === null ? all : all.where("id", "=", id)).execute()).map(heldOf);
      return () => (id === null ? this.#held.holdOnly(held) : this.#held.hold(held));
    });
  }

  /** Whose token was presented. From memory: it never waits. */
  check(presented: string): TokenCheck {
    return this.#judged(this.#held.check(presented, this.#control.clock()));
  }

  /** Whether a token that was presented earlier, by the hash of its secret, is still good. */
  checkHash(hash: string): TokenCheck {
    return this.#judged(this.#held.checkHash(hash, this.#control.clock()));
  }

  #judged(check: Presented<TokenIdentity>): TokenCheck {
    if (!check.ok) {
      if (!("identity" in check)) return check;
      return { ok: false, reason: `token_${check.reason}`, tokenId: check.identity.id };
    }
    const { id, userId } = check.identity;
    if (userId !== null && !this.#users.isActive(userId))
      return { ok: false, reason: "user_disabled", tokenId: id };
    return { ok: true, token: check.identity };
  }

  async create(actor: Actor, token: NewToken): Promise<Issued> {
    const secret = newSecret("dbt");
    const made = await this.#control.change(
      actor,
      { action: "token_created", entityType: ENTITY },
      (change) => insertToken(change, token, secret, this.#control.clock()),
    );
    return { id: made?.entityId ?? "", secret: secret.text };
  }

  /** New requests are refused at once. Throws `unknown_entity`, or `conflict` when it is revoked already. */
  async revoke(actor: Actor, id: string, justification?: string | null): Promise<void> {
    await this.#control.change(
      actor,
      { action: "token_revoked", entityType: ENTITY, justification },
      (change) => revoke(change, "tokens", id, this.#control.clock()),
    );
  }

  /** null: there is none. */
  async get(id: string): Promise<Token | null> {
    const row = await this.#control.reads
      .selectFrom("tokens")
      .selectAll()
      .where("id", "=", id)
      .executeTakeFirst();
    return row === undefined ? null : tokenOf(row);
  }

  async list(page: Page): Promise<Token[]> {
    return (await pageOf(this.#control.reads, "tokens", page)).map(tokenOf);
  }
}

/** Adds a token. Throws `bad_argument` on what it cannot have, `unknown_entity` for its user. */
export async function insertToken(
  change: Change,
  { name, role, scopes, userId, expiresAt }: NewToken,
  { hash, prefix }: Secret,
  now: number,
): Promise<Difference> {
  const user_id = userId == null ? null : (await userNamed(change, userId)).id;
  const given = scopes == null ? null : [...new Set(scopes.map((scope) => oneOf("scopes", scope, SCOPES)))];
  if (given?.length === 0) throw new DaybookError("bad_argument", "scopes must name at least one scope.");
  const row: Row = {
    id: newId("tok"),
    name: line("name", name, 128),
    prefix,
    hash,
    created_at: now,
    expires_at: future("expires_at", expiresAt, now),
    revoked_at: null,
    role: oneOf("role", role, ROLES),
    scopes: given === null ? null : JSON.stringify(given),
    user_id,
  };
  await change.insertInto("tokens").values(row).execute();
  const newValues = {
    name: row.name,
    role: row.role,
    scopes: given,
    user_id,
    expires_at: row.expires_at,
    secret_stored: true,
  };
  return { entityId: row.id, oldValues: null, newValues };
}

function heldOf(row: Row): Held<TokenIdentity> {
  return { hash: row.hash, identity: identityOf(row), expiresAt: row.expires_at, revokedAt: row.revoked_at };
}

function identityOf({ id, name, role, scopes, user_id }: Row): TokenIdentity {
  return {
    id,
    name,
    role,
    scopes: scopes === null ? null : (JSON.parse(scopes) as Scope[]),
    userId: user_id,
  };
}

function tokenOf(row: Row): Token {
  const { prefix, created_at, expires_at, revoked_at } = row;
  return {
    ...identityOf(row),
    prefix,
    createdAt: created_at,
    expiresAt: expires_at,
    revokedAt: revoked_at,
  };
}
