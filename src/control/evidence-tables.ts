// Legal holds and erasures, as tables.

export interface EvidenceTables {
  holds: {
    readonly id: string;
    /** The filter as the parameters of a URL; null: the hold is released, and whom it named was erased since. */
    filter: string | null;
    readonly reason: string | null;
    readonly created_at: number;
    released_at: number | null;
    release_reason: string | null;
  };
  erasures: {
    readonly id: string;
    /** Whose data is to go; null once it is gone. */
    subject: string | null;
    readonly reason: string | null;
    readonly created_at: number;
    /** When the oldest event of the subject was recorded: copies that were made since then may have some of it. */
    readonly since: number | null;
    finished_at: number | null;
    /** Events that were erased so far. */
    events: number;
    /** Why it is not finished: a code. */
    waiting_for: string | null;
  };
}

export const EVIDENCE_MIGRATION = `
  CREATE TABLE holds (
    id TEXT NOT NULL PRIMARY KEY,
    filter TEXT,
    reason TEXT,
    created_at INTEGER NOT NULL,
    released_at INTEGER,
    release_reason TEXT
  ) STRICT;
  CREATE TABLE erasures (
    id TEXT NOT NULL PRIMARY KEY,
    subject TEXT,
    reason TEXT,
    created_at INTEGER NOT NULL,
    since INTEGER,
    finished_at INTEGER,
    events INTEGER NOT NULL,
    waiting_for TEXT
  ) STRICT;`;
