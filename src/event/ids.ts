// Identifiers that Daybook makes. Their randomness is drawn from the system for many at once: drawn one by one it cost
// as much as all else that recording a request costs the thread that serves it (11 of 14 µs, `npm run bench -- recorder`).
import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";

const ID_BYTES = 16;
const pool = { bytes: Buffer.allocUnsafeSlow(256 * ID_BYTES), used: Number.POSITIVE_INFINITY };

/** Where 16 bytes that nobody has had begin in the pool. */
function draw(): number {
  if (pool.used >= pool.bytes.length) {
    randomFillSync(pool.bytes);
    pool.used = 0;
  }
  const at = pool.used;
  pool.used += ID_BYTES;
  return at;
}

function randomHex(bytes = ID_BYTES): string {
  const at = draw();
  return pool.bytes.toString("hex", at, at + bytes);
}

/** An event id: UUIDv7 (RFC 9562), lowercase. */
export function newEventId(): string {
  const at = draw();
  return v7({ random: pool.bytes.subarray(at, at + ID_BYTES) });
}

/** A node id: 16 hex digits. */
export function newNodeId(): string {
  return randomHex(8);
}

/** A request id for a request that brought none. */
export function newRequestId(): string {
  return `req_${randomHex()}`;
}

/** A W3C trace id: 32 hex digits. */
export function newTraceId(): string {
  return randomHex();
}
