// Sessions: a user who logged in, or a browser that presented a token, for twelve hours. The cookie's secret is kept as
// its hash; a login is an `auth` event that commits with its session, and so is a logout. A token's session may what the
// token may, as long as that does.
import { DaybookError } from "../event/errors.ts";
import type { Actor } from "./change.ts";
import type { Change, Control } from "./control.ts";
import { Credentials } from "./credentials.ts";
import { newId } from "./given.ts";
import type { Passwords } from "./passwords.ts";
import { hashSecret, newSecret } from "./secrets.ts";
import type { TokenCheck, TokenIdentity, Tokens } from "./tokens.ts";
import { type User, type Users, userOf } from "./users.ts";

export interface SessionIdentity {
  readonly id: string;
  /** null: of a token that belongs to nobody. */
  readonly userId: string | null;
  /** UTC ms. */
  readonly expiresAt: number;
}

/** In memory: with what it hangs on. */
interface KnownSession extends SessionIdentity {
  /** null: opened with a password. */
  readonly tokenHash: string | null;
}

/** Whose it is: a user's, or a token's. */
export type SessionCheck =
  | { readonly ok: true; readonly session: SessionIdentity; readonly user: User }
  | { readonly ok: true; readonly session: SessionIdentity; readonly token: TokenIdentity }
  | {
      readonly ok: false;
      readonly reason: Extract<TokenCheck, { ok: false }>["reason"] | "session_expired";
      readonly userId?: string;
    };

/** A session that was opened, and the secret for its cookie. */
export interface OpenedSession {
  readonly session: SessionIdentity;
  readonly secret: string;
}

export interface SessionsOptions {
  readonly control: Control;
  readonly users: Users;
  readonly tokens: Pick<Tokens, "check" | "checkHash">;
  readonly passwords: Passwords;
}

export type Login =
  | ({ readonly ok: true; readonly user: User } & OpenedSession)
  | {
      readonly ok: false;
      readonly reason: "wrong_password" | "user_disabled";
      /** There when the name is a user's: a name that is none may be a password by mistake. */
      readonly userId: string | null;
    };

export const SESSION_MS = 12 * 3_600_000;
/** How long it is still known that a session has expired. */
const KEPT_MS = SESSION_MS;
const ENTITY = "session";

export class Sessions {
  readonly #control: Control;
  readonly #users: Users;
  readonly #tokens: SessionsOptions["tokens"];
  readonly #passwords: Passwords;
  readonly #held = new Credentials<KnownSession>();

  constructor({ control, users, tokens, passwords }: SessionsOptions) {
    this.#control = control;
    this.#users = users;
    this.#tokens = tokens;
    this.#passwords = passwords;
    for (const entityType of [ENTITY, "user"]) {
      control.onChanged(entityType, async (reads) => {
        const rows = await reads
          .selectFrom("sessions")
          .selectAll()
          .where("expires_at", ">", control.clock() - KEPT_MS)
          .execute();
        const held = rows.map(({ id, hash, user_id, token_hash, expires_at }) => ({
          hash,
          identity: { id, userId: user_id, tokenHash: token_hash, expiresAt: expires_at },
          expiresAt: expires_at,
          revokedAt: null,
        }));
        return () => this.#held.holdOnly(held);
      });
    }
  }

  /** Whose session's secret was presented. From memory: it never waits. */
  check(presented: string): SessionCheck {
    const check = this.#held.check(presented, this.#control.clock());
    if (!check.ok) {
      if (!("identity" in check)) return check;
      return { ok: false, reason: "session_expired", ...byUser(check.identity.userId) };
    }
    const { id, userId, tokenHash, expiresAt } = check.identity;
    const session = { id, userId, expiresAt };
    if (tokenHash !== null) {
      const known = this.#tokens.checkHash(tokenHash);
      return known.ok
        ? { ok: true, session, token: known.token }
        : { ok: false, reason: known.reason, ...byUser(userId) };
    }
    const user = this.#users.known(userId ?? "");
    if (user === null || user.disabledAt !== null)
      return { ok: false, reason: "user_disabled", ...byUser(userId) };
    return { ok: true, session, user };
  }

  /** Checks name and password; a session when they are right. */
  async login(actor: Actor, name: string, password: string): Promise<Login> {
    const row = await this.#control.reads
      .selectFrom("users")
      .selectAll()
      .where("name", "=", name)
      .executeTakeFirst();
    const isRight = await this.#passwords.verify(password, row?.password ?? null);
    if (row === undefined || !isRight)
      return { ok: false, reason: "wrong_password", userId: row?.id ?? null };
    if (row.disabled_at !== null) return { ok: false, reason: "user_disabled", userId: row.id };
    const opened = await this.#open(actor, { userId: row.id }, async (change) => {
      const current = await change
        .selectFrom("users")
        .select(["password", "disabled_at"])
        .where("id", "=", row.id)
        .executeTakeFirst();
      // Changed while the password was checked.
      if (current?.password !== row.password || current.disabled_at !== null)
        throw new DaybookError("conflict", "The user was changed.");
    });
    // Not from memory: the user may have been made by another process a moment ago.
    return { ok: true, user: userOf(row), ...opened };
  }

  /** A session for whoever presents a token; or why there is none. */
  async loginByToken(
    actor: Actor,
    presented: string,
  ): Promise<
    | ({ readonly ok: true; readonly token: TokenIdentity } & OpenedSession)
    | Extract<TokenCheck, { ok: false }>
  > {
    const check = this.#tokens.check(presented);
    if (!check.ok) return check;
    const tokenHash = hashSecret(presented);
    const { token } = check;
    const by = { userId: token.userId, apiKeyId: token.id, tokenHash };
    const opened = await this.#open(actor, by, async () => {
      if (!this.#tokens.checkHash(tokenHash).ok) throw new DaybookError("conflict", "The token was changed.");
    });
    return { ok: true, token, ...opened };
  }

  /** `stillRight` throws what has changed since it was found right. */
  async #open(
    actor: Actor,
    {
      userId,
      apiKeyId,
      tokenHash = null,
    }: { userId: string | null; apiKeyId?: string; tokenHash?: string | null },
    stillRight: (change: Change) => Promise<void>,
  ): Promise<OpenedSession> {
    const secret = newSecret("dbs");
    const now = this.#control.clock();
    const session = { id: newId("ses"), userId, expiresAt: now + SESSION_MS };
    await this.#control.change(
      { ...actor, userId, ...(apiKeyId === undefined ? {} : { apiKeyId }), sessionId: session.id },
      { kind: "auth", action: "login", entityType: ENTITY },
      async (change) => {
        await stillRight(change);
        await change
          .deleteFrom("sessions")
          .where("expires_at", "<=", now - KEPT_MS)
          .execute();
        const { id, expiresAt } = session;
        await change
          .insertInto("sessions")
          .values({
            id,
            hash: hashSecret(secret.text),
            user_id: userId,
            token_hash: tokenHash,
            created_at: now,
            expires_at: expiresAt,
          })
          .execute();
        return {
          entityId: id,
          oldValues: null,
          newValues: { user_id: userId, expires_at: expiresAt, secret_stored: true },
        };
      },
    );
    return { session, secret: secret.text };
  }

  /** Ends the session. */
  async logout(actor: Actor, { id, userId, expiresAt }: SessionIdentity): Promise<void> {
    await this.#control.change(
      actor,
      { kind: "auth", action: "logout", entityType: ENTITY },
      async (change) => {
        const { numDeletedRows } = await change
          .deleteFrom("sessions")
          .where("id", "=", id)
          .executeTakeFirstOrThrow();
        // Ended meanwhile, by another request or with its user's password.
        if (numDeletedRows === 0n) return null;
        return {
          entityId: id,
          oldValues: { user_id: userId, expires_at: expiresAt, secret_stored: true },
          newValues: null,
        };
      },
    );
  }
}

function byUser(userId: string | null): { userId?: string } {
  return userId === null ? {} : { userId };
}
