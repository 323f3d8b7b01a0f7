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
    // The request lives as long as its answer: what listens to it must not hold the body so long.
    const end = (body: Body) => {
      request.off("data", onData).off("end", onEnd).off("error", onBroken).off("close", onBroken);
      resolve(body);
    };
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      exchange.received = length;
      if (length <= maxBytes) {
        chunks.push(chunk);
        return;
      }
      end({ is: "too_large" });
      request.on("data", (rest: Buffer) => {
        exchange.received += rest.length;
      });
    };
    const onEnd = () =>
      end({
        is: "whole",
        bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length),
      });
    const onBroken = () => end({ is: "broken" });
    request.on("data", onData).on("end", onEnd).on("error", onBroken).on("close", onBroken);
  });
}
