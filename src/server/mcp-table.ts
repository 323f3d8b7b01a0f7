// The gateway's table of MCP servers, as control has them at any time.
import type { ProxySettings } from "../config/config.ts";
import type { McpServers as KeptServers } from "../control/mcp-servers.ts";
import { McpServers } from "../gateway/mcp/servers.ts";

export interface McpTableOptions {
  readonly kept: KeptServers;
  readonly proxy: ProxySettings | null;
  /** Told of what cannot be used. */
  readonly report: (error: unknown, about: string) => void;
}

/** The table, which follows every change until it is closed. */
export function openMcpTable({ kept, proxy, report }: McpTableOptions): McpServers {
  const servers = new McpServers(proxy, Date.now);
  const show = () => {
    try {
      servers.replace(kept.served);
    } catch (error) {
      // What was served before goes on being served.
      report(error, "mcp_servers");
    }
  };
  show();
  kept.onChanged(show);
  return servers;
}
