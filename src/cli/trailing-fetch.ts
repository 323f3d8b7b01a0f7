// A fetch for one request that tells the trailers of its answer, which the standard's does not, and waits for a slow body.
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { request } from "undici";

interface TrailingFetch {
  readonly fetch: typeof globalThis.fetch;
  /** Once the body was read to its end. */
  readonly trailers: () => Readonly<Record<string, string>>;
}

/** Sends no body. */
export function trailingFetch(): TrailingFetch {
  let told: Record<string, string> = {};
  return {
    async fetch(target, { headers, signal } = {}) {
      const { statusCode, body, trailers, ...answer } = await request(String(target), {
        headers: Object.fromEntries(new Headers(headers)),
        signal: signal ?? null,
        bodyTimeout: 0,
        headersTimeout: 0,
      });
      told = trailers;
      const pairs = Object.entries(answer.headers).flatMap(([name, value]) =>
        [value ?? []].flat().map((each): [string, string] => [name, each]),
      );
      return new Response(Readable.toWeb(body) as ReadableStream<Uint8Array>, {
        status: statusCode,
        headers: pairs,
      });
    },
    trailers: () => told,
  };
}
