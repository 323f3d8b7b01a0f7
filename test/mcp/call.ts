// One request to an MCP server behind a running Daybook.
import { request } from "undici";
import { API_KEY } from "../support/daybook.ts";

export const AUTH = { authorization: `Bearer ${API_KEY}` };
export const ACCEPT = { accept: "application/json, text/event-stream", "content-type": "application/json" };

export async function postMcp(
  url: string,
  body: unknown,
  { path = "/mcp/scripted", headers = {} }: { path?: string; headers?: Record<string, string> } = {},
) {
  const answer = await request(url + path, {
    method: "POST",
    headers: { ...AUTH, ...ACCEPT, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await answer.body.text().catch(() => null);
  return { status: answer.statusCode, headers: answer.headers, text };
}

export const callTool = (
  name: string,
  given: unknown = { city: "Zug" },
  more: object = {},
  id: unknown = 1,
) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: given, ...more },
});
