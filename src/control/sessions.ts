// Sessions: a user who logged in, for twelve hours. The cookie's secret is kept as its hash; a login is an `auth`
// event that commits with its session, and so is a logout.
import { DaybookError } from "../event/errors.ts";
import type { Actor } from "./change.ts";
import type { Control } from "./control.ts";
import { Credentials } from "./credentials.ts";
import { newId } from "./given.ts";
import type { Passwords } from "./passwords.ts";
import { hashSecret, newSecret } from "./secrets.ts";
import { type User, type Users, userOf } from "./users.ts";

export interface SessionIdentity {
  readonly id: string;
  readonly userId: string;
  /** UTC ms. */
  readonly expiresAt: number;
}

export type SessionCheck =
  | { readonly ok: true; readonly session: SessionIdentity; readonly user: User }
  | {
      readonly ok: false;
      readonly reason: "missing" | "unknown" | "session_expired" | "user_disabled";
      readonly userId?: string;
    };

export type Login =
  | {
      readonly ok: true;
      readonly user: User;
      readonly session: SessionIdentity;
      /** For the cookie. */
      readonly secret: string;
    }
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
  readonly #passwords: Passwords;
  readonly #held = new Credentials<SessionIdentity>();

  constructor(control: Control, users: Users, passwords: Passwords) {
    this.#control = control;
    this.#users = users;
    this.#passwords = passwords;
    for (const entityType of [ENTITY, "user"]) {
      control.onChanged(entityType, async (reads) => {
        const rows = await reads
          .selectFrom("sessions")
          .selectAll()
          .where("expires_at", ">", control.clock() - KEPT_MS)
          .execute();
        const held = rows.map(({ id, hash, user_id, expires_at }) => ({
          hash,
          identity: { id, userId: user_id, expiresAt: expires_at },
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
      return { ok: false, reason: "session_expired", userId: check.identity.userId };
    }
    const user = this.#users.known(check.identity.userId);
    if (user === null || user.disabledAt !== null)
      return { ok: false, reason: "user_disabled", userId: check.identity.userId };
    return { ok: true, session: check.identity, user };
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
    const secret = newSecret("dbs");
    const now = this.#control.clock();
    const session = { id: newId("ses"), userId: row.id, expiresAt: now + SESSION_MS };
    await this.#control.change(
      { ...actor, userId: row.id, sessionId: session.id },
      { kind: "auth", action: "login", entityType: ENTITY },
      async (change) => {
        const current = await change
          .selectFrom("users")
          .select(["password", "disabled_at"])
          .where("id", "=", row.id)
          .executeTakeFirst();
        // Changed while the password was checked.
        if (current?.password !== row.password || current.disabled_at !== null)
          throw new DaybookError("conflict", "The user was changed.");
        await change
          .deleteFrom("sessions")
          .where("expires_at", "<=", now - KEPT_MS)
          .execute();
        await change
          .insertInto("sessions")
          .values({
            id: session.id,
            hash: hashSecret(secret.text),
            user_id: row.id,
            created_at: now,
            expires_at: session.expiresAt,
          })
          .execute();
        return {
          entityId: session.id,
          oldValues: null,
          newValues: { user_id: row.id, expires_at: session.expiresAt, secret_stored: true },
        };
      },
    );
    // Not from memory: the user may have been made by another process a moment ago.
    return { ok: true, user: userOf(row), session, secret: secret.text };
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
