// Schedules of exports, and how far they are; the latter follows from what was exported, and is nobody's decision.
export interface ScheduleTables {
  export_schedules: {
    id: string;
    name: string;
    cron: string;
    time_zone: string;
    /** The query string of a list. */
    filter: string;
    format: string;
    compression: string;
    target: string;
    /** Files that stay at the target; null: all of them. */
    keep: number | null;
    /** `new`: what no run before had; `all`: everything that matches. */
    covers: string;
    enabled: 0 | 1;
    created_at: number;
    updated_at: number;
  };
}

export interface ScheduleRunTables {
  export_runs: {
    schedule_id: string;
    /** When the last run was begun. */
    last_at: number;
    /** JSON: what the last run that succeeded covers. */
    position: string | null;
    /** Why the last run failed: an error code. */
    failed: string | null;
    /** The node that runs it now. */
    running: string | null;
  };
}

export const SCHEDULES_MIGRATION = `
  CREATE TABLE export_schedules (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    cron TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    filter TEXT NOT NULL,
    format TEXT NOT NULL,
    compression TEXT NOT NULL,
    target TEXT NOT NULL,
    keep INTEGER,
    covers TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE export_runs (
    schedule_id TEXT NOT NULL PRIMARY KEY,
    last_at INTEGER NOT NULL,
    position TEXT,
    failed TEXT,
    running TEXT
  ) STRICT;`;
