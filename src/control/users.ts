// Users: people who log in, own keys and tokens, and whose requests the trail tells apart. A user who is disabled
// or deleted is shut out at once, with every session, key and token.
import type { Selectable } from "kysely";
import { DaybookError } from "../event/errors.ts";
import { type Actor, type Difference, differing, type Values } from "./change.ts";
import type { Change, Control, Reads } from "./control.ts";
import { line, newId, oneOf } from "./given.ts";
import { type Page, pageOf } from "./pages.ts";
import type { Passwords } from "./passwords.ts";
import { type PeopleTables, ROLES, type Role } from "./people-tables.ts";

export interface User {
  readonly id: string;
  /** Unique, whatever its case. */
  readonly name: string;
  readonly role: Role;
  readonly passwordStored: boolean;
  /** UTC ms. */
  readonly createdAt: number;
  /** null: the user is active. */
  readonly disabledAt: number | null;
}

export interface NewUser {
  /** 1–128 characters. */
  readonly name: string;
  readonly role: Role;
  /** Absent or null: this user cannot log in. */
  readonly password?: string | null | undefined;
}

/** What is left out stays as it is. */
export interface UserPatch {
  readonly name?: string | undefined;
  readonly role?: Role | undefined;
  /** null takes it away. Any change of it ends the user's sessions. */
  readonly password?: string | null | undefined;
  readonly disabled?: boolean | undefined;
}

type Row = Selectable<PeopleTables["users"]>;

const ENTITY = "user";

export class Users {
  readonly #control: Control;
  readonly #passwords: Passwords;
  #users = new Map<string, User>();

  constructor(control: Control, passwords: Passwords) {
    this.#control = control;
    this.#passwords = passwords;
    control.onChanged(ENTITY, async (reads, id) => {
      const all = reads.selectFrom("users").selectAll();
      const users = (await (id === null ? all : all.where("id", "=", id)).execute()).map(userOf);
      return () => {
        if (id === null) this.#users = new Map();
        else this.#users.delete(id);
        for (const user of users) this.#users.set(user.id, user);
      };
    });
  }

  /** From memory, as the next: it never waits. */
  known(id: string): User | null {
    return this.#users.get(id) ?? null;
  }

  isActive(id: string): boolean {
    return this.known(id)?.disabledAt === null;
  }

  /** Throws `conflict` when the name is taken, `bad_argument` or `weak_secret` on what it cannot have. */
  async create(actor: Actor, { name, role, password }: NewUser): Promise<User> {
    const row: Row = {
      id: newId("usr"),
      name: line("name", name, 128),
      role: oneOf("role", role, ROLES),
      password: password == null ? null : await this.#passwords.hash(password),
      created_at: this.#control.clock(),
      disabled_at: null,
    };
    await this.#control.change(actor, { action: "user_created", entityType: ENTITY }, async (change) => {
      await refuseTaken(change, row.name);
      await change.insertInto("users").values(row).execute();
      return { entityId: row.id, oldValues: null, newValues: valuesOf(row) };
    });
    return userOf(row);
  }

  /** Answers with the user as it is now. Throws as `create` does, and `unknown_entity`. */
  async update(actor: Actor, id: string, patch: UserPatch, justification?: string | null): Promise<User> {
    const { password } = patch;
    const hashed = password == null ? password : await this.#passwords.hash(password);
    const now = this.#control.clock();
    const made = await this.#control.change(
      actor,
      { action: "user_updated", entityType: ENTITY, justification },
      (change) => update(change, id, { ...patch, password: hashed }, now),
    );
    return this.get(made?.entityId ?? id);
  }

  /** Events keep the user's id. Throws `unknown_entity`. */
  async delete(actor: Actor, id: string, justification?: string | null): Promise<void> {
    await this.#control.change(
      actor,
      { action: "user_deleted", entityType: ENTITY, justification },
      async (change) => {
        const row = await userNamed(change, id);
        await change.deleteFrom("sessions").where("user_id", "=", row.id).execute();
        await change.deleteFrom("views").where("owner", "=", row.id).execute();
        await change.deleteFrom("users").where("id", "=", row.id).execute();
        return { entityId: row.id, oldValues: valuesOf(row), newValues: null };
      },
    );
  }

  /** By id or name. Throws `unknown_entity`. */
  async get(idOrName: string): Promise<User> {
    return userOf(await userNamed(this.#control.reads, idOrName));
  }

  /** By id or name. Throws `unknown_entity`. */
  async named(idOrName: string): Promise<User> {
    return userOf(await userNamed(this.#control.reads, idOrName));
  }

  async list(page: Page): Promise<User[]> {
    return (await pageOf(this.#control.reads, "users", page)).map(userOf);
  }
}

async function update(
  change: Change,
  id: string,
  { name, role, password, disabled }: UserPatch,
  now: number,
): Promise<Difference | null> {
  const row = await userNamed(change, id);
  const next: Row = {
    ...row,
    name: name === undefined ? row.name : line("name", name, 128),
    role: role === undefined ? row.role : oneOf("role", role, ROLES),
    password: password === undefined ? row.password : password,
    disabled_at: disabled === undefined ? row.disabled_at : disabled ? (row.disabled_at ?? now) : null,
  };
  if (next.name.toLowerCase() !== row.name.toLowerCase()) await refuseTaken(change, next.name);
  const isNewPassword = next.password !== row.password;
  const told = differing(
    { ...valuesOf(row), password_changed: false },
    { ...valuesOf(next), password_changed: isNewPassword },
  );
  if (told === null) return null;
  const { id: entityId, ...columns } = next;
  await change.updateTable("users").set(columns).where("id", "=", entityId).execute();
  if (isNewPassword) await change.deleteFrom("sessions").where("user_id", "=", entityId).execute();
  return { entityId, ...told };
}

/** The user with this id or name. Throws `unknown_entity`. */
export async function userNamed(reads: Reads, idOrName: string): Promise<Row> {
  const row = await reads
    .selectFrom("users")
    .selectAll()
    .where(({ eb, or }) => or([eb("id", "=", idOrName), eb("name", "=", idOrName)]))
    .orderBy(({ eb }) => eb("id", "=", idOrName), "desc")
    .executeTakeFirst();
  if (row === undefined) throw new DaybookError("unknown_entity", `user ${JSON.stringify(idOrName)}`);
  return row;
}

async function refuseTaken(change: Change, name: string): Promise<void> {
  const taken = await change.selectFrom("users").select("id").where("name", "=", name).executeTakeFirst();
  if (taken !== undefined) throw new DaybookError("conflict", "There is a user of this name already.");
}

function valuesOf({ name, role, password, disabled_at }: Row): Values {
  return { name, role, password_stored: password !== null, disabled_at };
}

export function userOf({ id, name, role, password, created_at, disabled_at }: Row): User {
  return {
    id,
    name,
    role,
    passwordStored: password !== null,
    createdAt: created_at,
    disabledAt: disabled_at,
  };
}
