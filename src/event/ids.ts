// Identifiers that Daybook makes.
import { v7 } from "uuid";
import { createRandom } from "./random.ts";

const random = createRandom();

/** An event id: UUIDv7 (RFC 9562), lowercase. */
export function newEventId(): string {
  return v7({ random: random(16) });
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
