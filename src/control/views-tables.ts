// Saved views as a table.

export interface ViewsTables {
  views: {
    readonly id: string;
    /** Id of the user whose it is; of a token that belongs to nobody, the token's. */
    readonly owner: string;
    /** Unique for its owner. */
    name: string;
    /** Filter and times as the parameters of a URL, relative ones as they were given. */
    query: string;
    /** JSON list of fields, in order; null: the usual ones. */
    columns: string | null;
    shared: 0 | 1;
    /** What the owner sees first; of a shared view: who has no such view of their own. At most one of each. */
    is_default: 0 | 1;
    readonly created_at: number;
    updated_at: number;
  };
}

export const VIEWS_MIGRATION = `
  CREATE TABLE views (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    columns TEXT,
    shared INTEGER NOT NULL,
    is_default INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (owner, name)
  ) STRICT;`;
