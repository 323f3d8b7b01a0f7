// Random bytes for ids and salts, drawn from the system for many at once: drawn one by one they cost as much as all else
// that recording a request costs (11 of 14 µs on the thread that serves it, `npm run bench -- recorder`).
import { randomBytes } from "node:crypto";

const POOL_BYTES = 8192;

/** A source of fresh random bytes, at most a pool of them at a time. Nobody else is ever given the same. */
export function createRandom(): (bytes: number) => Buffer {
  let pool = Buffer.alloc(0);
  let at = 0;
  return (bytes) => {
    if (pool.length - at < bytes) {
      pool = randomBytes(POOL_BYTES);
      at = 0;
    }
    at += bytes;
    return pool.subarray(at - bytes, at);
  };
}
