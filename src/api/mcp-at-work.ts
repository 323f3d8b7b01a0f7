// What the API needs of the MCP servers at work.

/** How a server is. */
export interface McpHealth {
  readonly server: string;
  /** `unknown`: nobody asked it yet. */
  readonly state: "up" | "down" | "unknown";
  /** Of its last answer, UTC ms. */
  readonly lastSeenAt: number | null;
  /** A status, a native code, or `ok`; null before the first request. */
  readonly lastCode: string | number | null;
  /** Requests without an answer since the last one that had one. */
  readonly failures: number;
}

/** What it has listed since this process began: names and templates. */
export interface McpOffers {
  readonly tools: readonly string[];
  readonly prompts: readonly string[];
  readonly templates: readonly string[];
}

export interface McpAtWork {
  /** null: it is not served. */
  of(server: string): { readonly health: McpHealth; readonly offers: McpOffers } | null;
}
