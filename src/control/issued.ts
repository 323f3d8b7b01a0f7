// API keys and tokens as rows: made, revoked, and shown without their secret. Each function that changes a row
// answers with the difference that the audit entry states.

import { randomBytes } from "node:crypto";
import type { Selectable, Transaction } from "kysely";
import { DaybookError } from "../event/errors.ts";
import type { Held } from "./credentials.ts";
import type { Secret } from "./secrets.ts";
import { type ChangeableTables, ROLES, type Role } from "./tables.ts";

/** What a change did to one entity. Secrets appear as flags. Null values: there was, or is, no such entity. */
export interface Difference {
  readonly entityId: string;
  readonly oldValues: Values | null;
  readonly newValues: Values | null;
}

export type Values = Readonly<Record<string, string | number | boolean | null>>;

export interface ApiKeyIdentity {
  readonly id: string;
  readonly userId: string | null;
  readonly name: string;
}

export interface TokenIdentity {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
}

interface Life {
  /** First characters of the secret; null where somebody else chose it. */
  readonly prefix: string | null;
  /** UTC ms, as the next two; null: never. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

export type ApiKey = ApiKeyIdentity & Life;
export type Token = TokenIdentity & Life;

interface NewCredential {
  /** 1–128 characters, for people. */
  readonly name: string;
  /** UTC ms, in the future; absent or null: never. */
  readonly expiresAt?: number | null | undefined;
}

export interface NewApiKey extends NewCredential {
  /** Whose requests these are: `user_id` of their events. */
  readonly userId?: string | null | undefined;
}

export interface NewToken extends NewCredential {
  readonly role: Role;
}

type Change = Transaction<ChangeableTables>;

const LINE = /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u;

/** Adds an API key. Throws `bad_argument` on what it cannot have. */
export async function insertApiKey(
  change: Change,
  key: NewApiKey,
  secret: Secret,
  now: number,
): Promise<Difference> {
  const user_id = key.userId === undefined || key.userId === null ? null : line("user_id", key.userId, 255);
  const row = { ...credentialRow("key", key, secret, now), user_id };
  await change.insertInto("api_keys").values(row).execute();
  const { name, expires_at } = row;
  return { entityId: row.id, oldValues: null, newValues: { name, user_id, expires_at, secret_stored: true } };
}

/** Adds a token. Throws `bad_argument` on what it cannot have. */
export async function insertToken(
  change: Change,
  token: NewToken,
  secret: Secret,
  now: number,
): Promise<Difference> {
  const { role } = token;
  if (!ROLES.includes(role))
    throw new DaybookError("bad_argument", `role must be one of ${ROLES.join(", ")}.`);
  const row = { ...credentialRow("tok", token, secret, now), role };
  await change.insertInto("tokens").values(row).execute();
  const { name, expires_at } = row;
  return { entityId: row.id, oldValues: null, newValues: { name, role, expires_at, secret_stored: true } };
}

function credentialRow(
  kind: "key" | "tok",
  { name, expiresAt }: NewCredential,
  { hash, prefix }: Secret,
  now: number,
) {
  const expires_at = expiresAt ?? null;
  if (expires_at !== null && !(Number.isSafeInteger(expires_at) && expires_at > now)) {
    throw new DaybookError("bad_argument", "expires_at must be a time in the future.");
  }
  const id = `${kind}_${randomBytes(8).toString("hex")}`;
  return { id, name: line("name", name, 128), prefix, hash, created_at: now, expires_at, revoked_at: null };
}

function line(option: string, text: string, max: number): string {
  if (text.length <= max && LINE.test(text) && text.isWellFormed()) return text;
  throw new DaybookError("bad_argument", `${option} must be one line of 1 to ${max} characters.`);
}

/** Revokes; null when there is none, or it is revoked already. */
export async function revoke(
  change: Change,
  table: "api_keys" | "tokens",
  id: string,
  now: number,
): Promise<Difference | null> {
  const { numUpdatedRows } = await change
    .updateTable(table)
    .set({ revoked_at: now })
    .where("id", "=", id)
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return null;
  return { entityId: id, oldValues: { revoked_at: null }, newValues: { revoked_at: now } };
}

type Row<Table extends keyof ChangeableTables> = Selectable<ChangeableTables[Table]>;

export function apiKeyOf(row: Row<"api_keys">): ApiKey {
  return { ...apiKeyIdentity(row), ...lifeOf(row) };
}

export function tokenOf(row: Row<"tokens">): Token {
  return { ...tokenIdentity(row), ...lifeOf(row) };
}

export function heldApiKey(row: Row<"api_keys">): Held<ApiKeyIdentity> {
  return { identity: apiKeyIdentity(row), expiresAt: row.expires_at, revokedAt: row.revoked_at };
}

export function heldToken(row: Row<"tokens">): Held<TokenIdentity> {
  return { identity: tokenIdentity(row), expiresAt: row.expires_at, revokedAt: row.revoked_at };
}

function apiKeyIdentity({ id, user_id, name }: Row<"api_keys">): ApiKeyIdentity {
  return { id, userId: user_id, name };
}

function tokenIdentity({ id, name, role }: Row<"tokens">): TokenIdentity {
  return { id, name, role };
}

function lifeOf({ prefix, created_at, expires_at, revoked_at }: Row<"api_keys"> | Row<"tokens">): Life {
  return { prefix, createdAt: created_at, expiresAt: expires_at, revokedAt: revoked_at };
}
