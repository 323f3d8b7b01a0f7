// MCP servers as a table.

export interface McpServersTables {
  mcp_servers: {
    readonly id: string;
    /** Unique. */
    name: string;
    /** JSON, as it was given (providers/mcp-server.ts), without its secrets. */
    spec: string;
    /** JSON of the secrets, sealed (secrets-at-rest.ts). */
    sealed: string;
    enabled: 0 | 1;
    created_at: number;
    updated_at: number;
  };
}

export const MCP_SERVERS_MIGRATION = `
  CREATE TABLE mcp_servers (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    sealed TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;`;
