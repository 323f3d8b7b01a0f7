// Policies as a table.

export interface PolicyTables {
  policies: {
    readonly id: string;
    /** Unique. */
    name: string;
    /** JSON, as it was given (policy/policy.ts). */
    spec: string;
    enabled: 0 | 1;
    created_at: number;
    updated_at: number;
  };
}

export const POLICY_MIGRATION = `
  CREATE TABLE policies (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;`;
