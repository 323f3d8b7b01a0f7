// What stands below /v1/: an endpoint for each path, with what its events say of it.
import type { Facts, Kind } from "../event/fields.ts";
import type { Protocol } from "../protocols/protocol.ts";
import { PROTOCOLS } from "../protocols/protocols.ts";

export interface Endpoint {
  readonly facts: Facts & { kind: Kind; action: string };
  readonly method: "GET" | "POST" | null;
  readonly serves: "inference" | "nothing";
  readonly protocol: Protocol | null;
}

/** Any other path. The path itself is the client's text and is not recorded. */
const UNKNOWN: Endpoint = {
  facts: { kind: "api", action: "request" },
  method: null,
  serves: "nothing",
  protocol: null,
};

const ENDPOINTS = new Map<string, Endpoint>();
for (const protocol of PROTOCOLS.values()) {
  const { action, endpoint } = protocol;
  ENDPOINTS.set(endpoint, {
    facts: { kind: "inference", action, endpoint },
    method: "POST",
    serves: "inference",
    protocol,
  });
}

export function endpointOf(path: string): Endpoint {
  return ENDPOINTS.get(path) ?? UNKNOWN;
}
