// Identifiers that Daybook makes.
import { randomBytes } from "node:crypto";
import { v7 } from "uuid";

/** An event id: UUIDv7 (RFC 9562), lowercase. */
export function newEventId(): string {
  return v7();
}

/** A node id: 16 hex digits. */
export function newNodeId(): string {
  return randomBytes(8).toString("hex");
}

/** A request id for a request that brought none. */
export function newRequestId(): string {
  return `req_${v7().replaceAll("-", "")}`;
}

/** A W3C trace id: 32 hex digits. */
export function newTraceId(): string {
  return randomBytes(16).toString("hex");
}
