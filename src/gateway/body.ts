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
    // The request lives as long as its answer: what listens to it must not hold the body so long, nor the promise of it.
    let awaited: { readonly chunks: Buffer[]; readonly resolve: (body: Body) => void } | null = {
      chunks: [],
      resolve,
    };
    const end = (body: Body) => {
      awaited?.resolve(body);
      awaited = null;
    };
    request.on("data", (chunk: Buffer) => {
      exchange.received += chunk.length;
      if (exchange.received > maxBytes) end({ is: "too_large" });
      else awaited?.chunks.push(chunk);
    });
    request.on("end", () => {
      if (awaited === null) return;
      const { chunks } = awaited;
      end({ is: "whole", bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks) });
    });
    const onBroken = () => end({ is: "broken" });
    request.on("error", onBroken).on("close", onBroken);
  });
}
