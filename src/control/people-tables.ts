// Users, sessions, API keys and tokens as tables. Secrets of keys, tokens and sessions are kept as SHA-256 only: they
// are random and long, so nothing slower is needed to protect them. Passwords are not: see passwords.ts.

export const ROLES = ["viewer", "auditor", "admin"] as const;

/** viewer: own events; auditor: all events; admin: configuration too. */
export type Role = (typeof ROLES)[number];

export const SCOPES = ["admin", "audit:read", "ingest"] as const;

/** What a token is for, within its role: configuration; reading the trail; events from other services. */
export type Scope = (typeof SCOPES)[number];

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
  user_id: string | null;
}

export interface PeopleTables {
  users: {
    readonly id: string;
    /** Unique, whatever its case. */
    name: string;
    role: Role;
    /** As passwords.ts writes it; null: this user cannot log in. */
    password: string | null;
    created_at: number;
    disabled_at: number | null;
  };
  sessions: {
    readonly id: string;
    /** SHA-256 of the cookie's secret. */
    hash: string;
    /** null: of a token that belongs to nobody. */
    user_id: string | null;
    /** SHA-256 of the token that it was opened with; null: with a password. */
    token_hash: string | null;
    created_at: number;
    expires_at: number;
  };
  /** `models`: JSON list of globs; null: every model. */
  api_keys: Credential & { models: string | null };
  /** Secrets that were rotated away, and until when they are still good. */
  retired_secrets: { hash: string; key_id: string; valid_until: number };
  /** `scopes`: JSON list; null: everything that the role allows. */
  tokens: Credential & { role: Role; scopes: string | null };
}

export const PEOPLE_MIGRATION = `
  CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role TEXT NOT NULL,
    password TEXT,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER
  ) STRICT;
  CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE retired_secrets (
    hash TEXT NOT NULL PRIMARY KEY, key_id TEXT NOT NULL, valid_until INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX retired_secrets_of ON retired_secrets (key_id);
  CREATE TABLE revisions (entity_type TEXT NOT NULL PRIMARY KEY, revision INTEGER NOT NULL) STRICT;
  ALTER TABLE api_keys ADD COLUMN models TEXT;
  ALTER TABLE tokens ADD COLUMN user_id TEXT;
  ALTER TABLE tokens ADD COLUMN scopes TEXT;`;

/** Sessions of tokens, which need not be a user's. */
export const TOKEN_SESSIONS_MIGRATION = `
  CREATE TABLE sessions_of_all (
    id TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    user_id TEXT,
    token_hash TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  INSERT INTO sessions_of_all SELECT id, hash, user_id, NULL, created_at, expires_at FROM sessions;
  DROP TABLE sessions;
  ALTER TABLE sessions_of_all RENAME TO sessions;`;
