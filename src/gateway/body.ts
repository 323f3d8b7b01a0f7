// Reads a request's body, whole and bounded.
import type { IncomingMessage } from "node:http";

export type Body =
  | { readonly is: "whole"; readonly bytes: Buffer }
  | { readonly is: "too_large" }
  | { readonly is: "broken" };

interface Receiving {
  readonly request: IncomingMessage;
  /** Bytes of the body so far. */
  received: number;
}

/** `too_large` as soon as it is known, from Content-Length or by counting; the rest is discarded by node:http. */
export function readBody(exchange: Receiving, maxBytes: number): Promise<Body> {
  const { request } = exchange;
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > maxBytes) return Promise.resolve({ is: "too_large" });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      exchange.received = length;
      if (length <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      resolve({ is: "too_large" });
    });
    request.on("end", () =>
      resolve({
        is: "whole",
        bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length),
      }),
    );
    request.on("error", () => resolve({ is: "broken" }));
    request.on("close", () => resolve({ is: "broken" }));
  });
}
