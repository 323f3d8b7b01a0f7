// An MCP server behind the gateway: as people write it (daybook.yaml and the API share one schema), and as the program
// sees it.
import * as z from "zod";
import { httpUrl, integer, lowercase, MAX_TIMER_MS, secretHeaders, TOKEN, text } from "./checks.ts";
import type { Source } from "./provider.ts";

/** As long as a chat. */
const DEFAULT_TIMEOUT_MS = 900_000;

export const mcpServerSchema = z.strictObject({
  name: text(TOKEN, "a name of at most 64 letters, digits, dots, hyphens and underscores").describe(
    "Unique. Clients find the server at `/mcp/<name>`.",
  ),
  url: httpUrl().describe("Of a streamable HTTP server, its path included: `http://127.0.0.1:9000/mcp`."),
  headers: secretHeaders().describe(
    "Sent with every request to this server, its `Authorization` say. Values are kept and shown like secrets.",
  ),
  ca_file: text(/^[^\0]{1,1024}$/, "a file")
    .optional()
    .describe("Certificates (PEM) to trust for this server, beside the usual ones."),
  timeout_ms: integer(1, MAX_TIMER_MS)
    .default(DEFAULT_TIMEOUT_MS)
    .describe("Of a request; streams that stay open for notifications have none."),
});

/** Checked by `mcpServerSchema`, defaults filled in. */
export type McpServerSpec = z.output<typeof mcpServerSchema>;

/** As it is given. */
export type McpServerInput = z.input<typeof mcpServerSchema>;

export interface McpServer {
  /** Control's id; null for one of the configuration file. */
  readonly id: string | null;
  readonly source: Exclude<Source, "built_in">;
  readonly name: string;
  readonly url: string;
  /** Lowercase names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly caFile: string | null;
  readonly timeoutMs: number;
}

/** `path` makes a file's path absolute. */
export function completeMcpServer(
  { name, url, headers, ca_file, timeout_ms }: McpServerSpec,
  origin: {
    readonly id: string | null;
    readonly source: McpServer["source"];
    readonly path: (file: string) => string;
  },
): McpServer {
  return {
    id: origin.id,
    source: origin.source,
    name,
    url,
    headers: lowercase(headers),
    caFile: ca_file === undefined ? null : origin.path(ca_file),
    timeoutMs: timeout_ms,
  };
}
