// What control.db holds, as Kysely sees it and as SQL makes it. Times are UTC milliseconds. Secrets are kept as
// SHA-256 only: they are random and long, so nothing slower is needed to protect them.
import type { Generated } from "kysely";

export const ROLES = ["viewer", "auditor", "admin"] as const;

/** viewer: own events; auditor: all events; admin: configuration too. */
export type Role = (typeof ROLES)[number];

interface Credential {
  readonly id: string;
  name: string;
  /** First characters of the secret, to recognise it by; null where somebody else chose the secret. */
  prefix: string | null;
  /** SHA-256 of the secret, lowercase hex. */
  hash: string;
  created_at: number;
  /** null: never. */
  expires_at: number | null;
  revoked_at: number | null;
}

/** What a change may touch. */
export interface ChangeableTables {
  api_keys: Credential & { user_id: string | null };
  tokens: Credential & { role: Role };
  settings: { name: string; value: string };
}

export interface Tables extends ChangeableTables {
  /** Audit facts on their way to the journal. Ids are never given twice, also after rows are forgotten. */
  outbox: { id: Generated<number>; node_id: string | null; facts: string; created_at: number };
}

const CREDENTIAL = `
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  prefix TEXT,
  hash TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER`;

/** SQL that takes the database from version n to n + 1. None is ever changed or removed. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE api_keys (${CREDENTIAL}, user_id TEXT) STRICT;
   CREATE TABLE tokens (${CREDENTIAL}, role TEXT NOT NULL) STRICT;
   CREATE TABLE settings (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE outbox (
     id INTEGER PRIMARY KEY AUTOINCREMENT, node_id TEXT, facts TEXT NOT NULL, created_at INTEGER NOT NULL
   ) STRICT;`,
];
