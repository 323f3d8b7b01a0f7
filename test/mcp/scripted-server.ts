// An MCP server that does what a test tells it, by the name of the tool: also what no real server would do.
import type { ServerResponse } from "node:http";
import type { TestContext } from "node:test";
import { type Asked, startUpstream, type Upstream } from "../support/upstream.ts";

export interface RpcMessage {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: Record<string, unknown>;
    readonly requestId?: string | number;
  };
}

export interface ScriptedServer extends Upstream {
  /** Requests for tools that came, by their names. */
  readonly called: readonly string[];
  /** Streams that are open, to go on with: by the name of the tool. */
  readonly open: ReadonlyMap<string, ServerResponse>;
}

const JSON_TYPE = { "content-type": "application/json" };
export const SSE_TYPE = { "content-type": "text/event-stream" };

export const ok = (id: unknown, more: object = {}) => ({
  jsonrpc: "2.0",
  id,
  result: { content: [{ type: "text", text: "fine" }], ...more },
});
export const rpcError = (id: unknown, code = -32_602) => ({
  jsonrpc: "2.0",
  id,
  error: { code, message: "what-a-server-says-of-an-error" },
});
export const sse = (message: object, id?: string) =>
  `${id === undefined ? "" : `id: ${id}\n`}event: message\ndata: ${JSON.stringify(message)}\n\n`;

export async function startScripted(t: { after: TestContext["after"] }): Promise<ScriptedServer> {
  const called: string[] = [];
  const open = new Map<string, ServerResponse>();
  const upstream = await startUpstream(t, (response, asked) => answer(response, asked, called, open));
  return { ...upstream, called, open };
}

function answer(
  response: ServerResponse,
  asked: Asked,
  called: string[],
  open: Map<string, ServerResponse>,
): void {
  if (asked.method === "GET") {
    response.writeHead(200, SSE_TYPE).flushHeaders();
    open.set("GET", response);
    return;
  }
  if (asked.method === "DELETE") {
    response.writeHead(200).end();
    return;
  }
  const body = JSON.parse(asked.body.toString()) as RpcMessage | RpcMessage[];
  if (Array.isArray(body)) {
    for (const { params } of body) called.push(params?.name ?? "");
    const answers = body.flatMap(({ id, params }) => (id === undefined ? [] : [answerTo(id, params?.name)]));
    sendAll(response, answers, body[0]?.params?.name);
    return;
  }
  const { id, method = "", params } = body;
  if (id === undefined) {
    response.writeHead(202).end();
    return;
  }
  if (method !== "tools/call") {
    response.writeHead(200, JSON_TYPE).end(JSON.stringify({ jsonrpc: "2.0", id, result: {} }));
    return;
  }
  const name = params?.name ?? "";
  called.push(name);
  const [how = name] = name.split(":");
  const send = SENDS[how];
  if (send === undefined) response.writeHead(200, JSON_TYPE).end(JSON.stringify(answerTo(id, name)));
  else send(response, id);
  open.set(name, response);
}

/** A batch, by the name of its first tool. */
function sendAll(response: ServerResponse, answers: readonly object[], first = ""): void {
  if (answers.length === 0) response.writeHead(202).end();
  else if (first === "batch_stream")
    response.writeHead(200, SSE_TYPE).end(answers.map((each) => sse(each)).join(""));
  else if (first === "batch_alone") response.writeHead(200, JSON_TYPE).end(JSON.stringify(rpcError(null)));
  else response.writeHead(200, JSON_TYPE).end(` ${JSON.stringify(answers, null, 1)}\n`);
}

function answerTo(id: unknown, name = ""): object {
  if (name === "tool_error") return ok(id, { isError: true });
  return name === "protocol_error" ? rpcError(id) : ok(id);
}

type Send = (response: ServerResponse, id: unknown) => void;

/** By the name of the tool; others are answered as JSON. */
const SENDS: Readonly<Record<string, Send>> = {
  stream: (response, id) => {
    response.writeHead(200, SSE_TYPE);
    response.write(sse({ jsonrpc: "2.0", method: "notifications/progress", params: { progress: 1 } }));
    response.end(sse(ok(id)));
  },
  stream_tool_error: (response, id) => response.writeHead(200, SSE_TYPE).end(sse(ok(id, { isError: true }))),
  stream_open: (response) => {
    response.writeHead(200, SSE_TYPE);
    response.write(sse({ jsonrpc: "2.0", method: "notifications/message", params: {} }));
  },
  stream_short: (response) => response.writeHead(200, SSE_TYPE).end(": nothing\n\n"),
  stream_resumable: (response) => response.writeHead(200, SSE_TYPE).end("id: 1\nretry: 10\ndata:\n\n"),
  stream_reset: (response) => {
    response.writeHead(200, SSE_TYPE);
    response.write(sse({ jsonrpc: "2.0", method: "notifications/message", params: {} }), () =>
      setImmediate(() => response.destroy()),
    );
  },
  status_400: (response) => response.writeHead(400, JSON_TYPE).end('{"error":"plain"}'),
  status_400_rpc: (response, id) => response.writeHead(400, JSON_TYPE).end(JSON.stringify(rpcError(id))),
  status_503: (response) => response.writeHead(503).end("no"),
  no_answer: (response) => response.writeHead(202).end(),
  cut: (response) => {
    response.writeHead(200, { ...JSON_TYPE, "content-length": "500" });
    response.write('{"jsonrpc":"2.0","id":', () => setImmediate(() => response.destroy()));
  },
  hang: () => {},
};
