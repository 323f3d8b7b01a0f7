// Identifiers that Daybook makes.
import { createRandom } from "./random.ts";

const random = createRandom();

/** An event id: UUIDv7 (RFC 9562, section 5.7), lowercase. Written here because every request waits for one. */
export function newEventId(): string {
  const time = Date.now().toString(16).padStart(12, "0");
  const bytes = random(10);
  bytes[0] = ((bytes[0] as number) & 0x0f) | 0x70;
  bytes[2] = ((bytes[2] as number) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${time.slice(0, 8)}-${time.slice(8)}-${hex.slice(0, 4)}-${hex.slice(4, 8)}-${hex.slice(8)}`;
}

/** A node id: 16 hex digits. */
export function newNodeId(): string {
  return random(8).toString("hex");
}

/** A request id for a request that brought none. */
export function newRequestId(): string {
  return `req_${random(16).toString("hex")}`;
}

/** A W3C trace id: 32 hex digits. */
export function newTraceId(): string {
  return random(16).toString("hex");
}
