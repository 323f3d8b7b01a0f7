// Example calls for what changes MCP servers: see mutating-routes.ts.
import { type Example, fresh, make } from "./mutating-routes.ts";

type Ask = Parameters<NonNullable<Example["given"]>>[0];

const SECRET = "Bearer sk-live-0123456789abcdefghij";
const URL_OF = "http://127.0.0.1:9/mcp";
const SERVER = (ask: Ask) =>
  make(ask, "/admin/mcp/servers", { name: fresh("server").replace(" ", "-"), url: URL_OF });

const told = (name: unknown) => ({
  name,
  url: URL_OF,
  enabled: true,
  headers: [],
  ca_file: null,
  timeout_ms: 900_000,
});

export const MCP_EXAMPLES: Readonly<Record<string, Example>> = {
  "POST /admin/mcp/servers": {
    path: "/admin/mcp/servers",
    body: { name: "files", url: URL_OF, headers: { Authorization: SECRET }, justification: "asked for" },
    status: 201,
    oldValues: () => null,
    newValues: () => ({ ...told("files"), headers: ["Authorization"] }),
  },
  "PATCH /admin/mcp/servers/:name": {
    given: SERVER,
    path: ({ name }) => `/admin/mcp/servers/${name}`,
    body: { headers: { Authorization: SECRET }, enabled: false, timeout_ms: 5 },
    status: 200,
    oldValues: () => ({ enabled: true, headers: [], timeout_ms: 900_000, headers_changed: false }),
    newValues: () => ({ enabled: false, headers: ["Authorization"], timeout_ms: 5, headers_changed: true }),
  },
  "DELETE /admin/mcp/servers/:name": {
    given: SERVER,
    path: ({ name }) => `/admin/mcp/servers/${name}`,
    status: 204,
    oldValues: ({ name }) => told(name),
    newValues: () => null,
  },
};
