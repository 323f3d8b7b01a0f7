// A provider that a test writes itself: a real HTTP server that answers as told and keeps what it was asked.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { TestContext } from "node:test";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface Upstream {
  readonly url: string;
  /** In order of arrival, whole requests only. */
  readonly asked: readonly Asked[];
}

/** `answer` is called with each whole request and how many came before it. */
export async function startUpstream(
  t: { after: TestContext["after"] },
  answer: (response: ServerResponse, asked: Asked, index: number) => void,
): Promise<Upstream> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const { method = "", url = "", headers } = request;
    const whole = { method, path: url, headers, body: Buffer.concat(chunks) };
    asked.push(whole);
    answer(response, whole, asked.length - 1);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, asked };
}

/** A chat completion. */
export function answerChat(response: ServerResponse, model = "served"): void {
  const answer = {
    id: "chatcmpl-1",
    object: "chat.completion",
    model,
    choices: [{ index: 0, message: { role: "assistant", content: "Well." }, finish_reason: "stop" }],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
}

export function answerStatus(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end("{}");
}
