// A provider for a test that answers by path with JSON.
import type { IncomingHttpHeaders } from "node:http";
import type { TestContext } from "node:test";
import { startUpstream } from "./upstream.ts";

export interface AskedFor {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Reply = { readonly status?: number; readonly body: unknown } | null;

/** `reply` answers each request, with 404 for null. */
export async function startJsonUpstream(
  t: { after: TestContext["after"] },
  reply: (asked: AskedFor) => Reply,
): Promise<{ readonly url: string; readonly asked: readonly AskedFor[] }> {
  const asked: AskedFor[] = [];
  const { url } = await startUpstream(t, (response, { method, path, headers, body: bytes }) => {
    const one = { method, path, headers, body: bytes.toString() };
    asked.push(one);
    const { status = 200, body } = reply(one) ?? { status: 404, body: {} };
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  return { url, asked };
}
