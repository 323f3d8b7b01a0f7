// A call to a tool that no list has shown yet: what its schema calls sensitive is not known. The server is asked itself,
// with what the client shows it, before the call goes on; once in a while, and not for long.
import { nextCursor } from "../../protocols/mcp-lists.ts";
import { McpStream } from "../../protocols/mcp-sse.ts";
import { eventData } from "../../protocols/sse.ts";
import type { McpServer } from "./servers.ts";

/** Of all pages. */
const LIMIT_MS = 2000;
const MAX_PAGES = 20;
const MAX_BYTES = 8 * 1024 * 1024;
const METHOD = "tools/list";
const ID = '"daybook-tools-list"';

/** Learns the server's tools. Whatever fails, the call goes on, and names and patterns alone tell what is secret. */
export async function askTools(
  server: McpServer,
  headers: Readonly<Record<string, string | string[]>>,
  version: string | null,
): Promise<void> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  try {
    let cursor: string | null = null;
    for (let page = 0; page < MAX_PAGES; page++) {
      const text = await ask(server, headersFor(headers), bodyFor(cursor, version), signal);
      if (text === null) return;
      server.offers.learn(METHOD, text);
      cursor = nextCursor(text);
      if (cursor === null) return;
    }
  } catch {
    // Not reached, or not in time: the call itself will tell how the server is.
  }
}

/** The client's own, but for what told of its call. */
function headersFor(headers: Readonly<Record<string, string | string[]>>): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(
    ([name]) => !/^(?:mcp-(?:name|method|param-.*)|traceparent|tracestate|last-event-id)$/.test(name),
  );
  const own = headers["mcp-method"] === undefined ? {} : { "mcp-method": METHOD };
  return { ...Object.fromEntries(kept), ...own, accept: "application/json, text/event-stream" };
}

function bodyFor(cursor: string | null, version: string | null): string {
  const meta = {
    "io.modelcontextprotocol/protocolVersion": version,
    "io.modelcontextprotocol/clientInfo": { name: "daybook", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const params = { ...(cursor === null ? {} : { cursor }), ...(version === null ? {} : { _meta: meta }) };
  return `{"jsonrpc":"2.0","id":${ID},"method":"${METHOD}","params":${JSON.stringify(params)}}`;
}

/** The text of the message that answers; null: there was none. */
async function ask(
  server: McpServer,
  headers: Record<string, string | string[]>,
  body: string,
  signal: AbortSignal,
): Promise<string | null> {
  const { origin, path } = server.place("");
  const asked = { origin, path, method: "POST", headers, body, signal } as const;
  const answer = await server.dispatcher.request(asked);
  const isStream = /^text\/event-stream\b/i.test(String(answer.headers["content-type"] ?? ""));
  const stream = new McpStream();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BYTES) return null;
    if (!isStream) chunks.push(chunk);
    else
      for (const { bytes, envelopes } of stream.feed(chunk))
        if (envelopes.some(({ id }) => id === ID)) return eventData(bytes);
  }
  return answer.statusCode === 200 && !isStream ? Buffer.concat(chunks).toString("utf8") : null;
}
