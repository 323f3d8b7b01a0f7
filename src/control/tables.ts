// What control.db holds, as Kysely sees it and as SQL makes it: the foundation, and the tables of each part. Times
// are UTC milliseconds.
import type { Generated } from "kysely";
import { EVIDENCE_MIGRATION, type EvidenceTables } from "./evidence-tables.ts";
import { INGEST_MIGRATION, type IngestTables } from "./ingest-nodes.ts";
import { MCP_SERVERS_MIGRATION, type McpServersTables } from "./mcp-servers-tables.ts";
import { type CopyTables, MONEY_MIGRATION, type MoneyTables } from "./money-tables.ts";
import { PEOPLE_MIGRATION, type PeopleTables, TOKEN_SESSIONS_MIGRATION } from "./people-tables.ts";
import { POLICY_MIGRATION, type PolicyTables } from "./policy-tables.ts";
import { PROVIDERS_MIGRATION, type ProvidersTables } from "./providers-tables.ts";
import { SCHEDULES_MIGRATION, type ScheduleRunTables, type ScheduleTables } from "./schedules-tables.ts";
import { VIEWS_MIGRATION, type ViewsTables } from "./views-tables.ts";

/** What a change may touch. */
export interface ChangeableTables
  extends PeopleTables,
    ProvidersTables,
    MoneyTables,
    McpServersTables,
    PolicyTables,
    EvidenceTables,
    IngestTables,
    ScheduleTables,
    ViewsTables {
  settings: { name: string; value: string };
}

export interface Tables extends ChangeableTables, CopyTables, ScheduleRunTables {
  /** Audit facts on their way to the journal. Ids are never given twice, also after rows are forgotten. */
  outbox: { id: Generated<number>; node_id: string | null; facts: string; created_at: number };
  /** How often entities of a type were changed, so that other processes notice. */
  revisions: { entity_type: string; revision: number };
}

const CREDENTIAL = `
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  prefix TEXT,
  hash TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER`;

const FOUNDATION = `
  CREATE TABLE api_keys (${CREDENTIAL}, user_id TEXT) STRICT;
  CREATE TABLE tokens (${CREDENTIAL}, role TEXT NOT NULL) STRICT;
  CREATE TABLE settings (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, node_id TEXT, facts TEXT NOT NULL, created_at INTEGER NOT NULL
  ) STRICT;`;

/** SQL that takes the database from version n to n + 1. None is ever changed or removed. */
export const MIGRATIONS: readonly string[] = [
  FOUNDATION,
  PEOPLE_MIGRATION,
  PROVIDERS_MIGRATION,
  MONEY_MIGRATION,
  MCP_SERVERS_MIGRATION,
  POLICY_MIGRATION,
  EVIDENCE_MIGRATION,
  INGEST_MIGRATION,
  TOKEN_SESSIONS_MIGRATION,
  SCHEDULES_MIGRATION,
  VIEWS_MIGRATION,
];
