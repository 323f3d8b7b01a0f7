// Credit, limits, and the copy of what users were charged, as tables. Amounts are millionths of a credit.

export const ENTRY_KINDS = ["grant", "adjustment", "reversal"] as const;

/** Given; corrected, either way; taken back. */
export type EntryKind = (typeof ENTRY_KINDS)[number];

export interface MoneyTables {
  /** Amounts are never changed and never removed: a balance is their sum less what events have cost. */
  credit_entries: {
    readonly id: string;
    /** An erasure puts its own id, and a reason that says no more than that, in the place of a person's. */
    user_id: string;
    readonly kind: EntryKind;
    readonly amount_micros: number;
    reason: string;
    /** The entry that a reversal takes back. */
    readonly reverses: string | null;
    readonly created_at: number;
  };
  /** `settings`: JSON of OwnLimits. */
  limits: { readonly subject_type: string; readonly subject_id: string; settings: string };
}

/** A copy of the store's charges, from which a rebuilt store goes on: no entry tells of it, for it changes nothing. */
export interface CopyTables {
  charges: { readonly node_id: string; readonly user_id: string; cost_micros: number };
  /** How far the charges of a node go. */
  charged: { readonly node_id: string; seq: number };
}

export const MONEY_MIGRATION = `
  CREATE TABLE credit_entries (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount_micros INTEGER NOT NULL,
    reason TEXT NOT NULL,
    reverses TEXT UNIQUE,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX credit_entries_of ON credit_entries (user_id, created_at, id);
  CREATE TABLE limits (
    subject_type TEXT NOT NULL, subject_id TEXT NOT NULL, settings TEXT NOT NULL,
    PRIMARY KEY (subject_type, subject_id)
  ) STRICT;
  CREATE TABLE charges (
    node_id TEXT NOT NULL, user_id TEXT NOT NULL, cost_micros INTEGER NOT NULL,
    PRIMARY KEY (node_id, user_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE charged (node_id TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL) STRICT;`;
