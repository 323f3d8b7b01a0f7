// What stands below /v1/: an endpoint for each path, with what its events say of it.
import type { Facts, Kind } from "../event/fields.ts";
import type { ErrorFacts, Protocol } from "../protocols/protocol.ts";
import { PROTOCOLS } from "../protocols/protocols.ts";

export interface Endpoint {
  readonly facts: Facts & { kind: Kind; action: string };
  readonly method: "GET" | "POST" | null;
  readonly serves: "inference" | "models" | "nothing";
  /** Null: the client's headers tell its dialect. */
  readonly protocol: Protocol | null;
}

/** Any other path. The path itself is the client's text and is not recorded. */
const UNKNOWN: Endpoint = {
  facts: { kind: "api", action: "request" },
  method: null,
  serves: "nothing",
  protocol: null,
};

const MODELS: Endpoint = {
  facts: { kind: "api", action: "models", endpoint: "/v1/models" },
  method: "GET",
  serves: "models",
  protocol: null,
};
const MODEL: Endpoint = { ...MODELS, facts: { ...MODELS.facts, endpoint: "/v1/models/{model}" } };
const MODEL_PREFIX = "/v1/models/";

const ENDPOINTS = new Map<string, Endpoint>([["/v1/models", MODELS]]);
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
  return ENDPOINTS.get(path) ?? (path.startsWith(MODEL_PREFIX) ? MODEL : UNKNOWN);
}

/** The model that a path below /v1/models/ names; null when it names none that there can be. */
export function modelIn(path: string): string | null {
  try {
    return path.startsWith(MODEL_PREFIX) ? decodeURIComponent(path.slice(MODEL_PREFIX.length)) : null;
  } catch {
    return null;
  }
}
