// Bytes of one HTTP/1.1 exchange on the wire, as far as node:http lets them be known.
import type { Facts } from "../event/fields.ts";

/** The part of node:http's IncomingMessage that tells. */
export interface ReceivedMessage {
  readonly complete: boolean;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly rawHeaders: readonly string[];
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export type MessageSizes = Pick<Facts, "requestSize" | "responseSize">;

/** The part of node:http's ServerResponse that tells. */
export interface SentMessage {
  readonly socket: { readonly bytesWritten: number } | null;
}

/**
 * Call at the start of an exchange; the function given back tells its sizes at the end. A size that is not known
 * for sure is null: of a request whose body had no length or did not come whole, and of an answer that waited
 * behind another one on its connection (pipelining).
 */
export function messageBytes(request: ReceivedMessage, response: SentMessage): () => MessageSizes {
  const { socket } = response;
  const before = socket?.bytesWritten ?? 0;
  return () => ({
    requestSize: request.complete ? requestBytes(request) : null,
    responseSize: socket === null ? null : socket.bytesWritten - before,
  });
}

/** RFC 9112, section 2.1: a request line, field lines, an empty line, and the body of `content-length`. */
function requestBytes({ method, url, rawHeaders, headers }: ReceivedMessage): number | null {
  if (headers["transfer-encoding"] !== undefined) return null;
  let bytes = Buffer.byteLength(`${method} ${url} HTTP/1.1\r\n\r\n`);
  for (const text of rawHeaders) bytes += Buffer.byteLength(text, "latin1") + 2;
  return bytes + Number(headers["content-length"] ?? 0);
}
