// What stands below /v1/: an endpoint for each path, with what its events say of it.
import type { IncomingMessage } from "node:http";
import type { Facts, Kind } from "../event/fields.ts";
import { anthropicErrorBody as anthropicError } from "../protocols/anthropic-errors.ts";
import { errorBody as openaiError } from "../protocols/openai-errors.ts";
import type { Dialect, ErrorFacts, Protocol } from "../protocols/protocol.ts";
import { PROTOCOLS } from "../protocols/protocols.ts";
import type { Passed } from "./pass-through.ts";
import type { Table } from "./routes.ts";

export interface Endpoint {
  readonly facts: Facts & { kind: Kind; action: string };
  readonly methods: "GET" | "POST" | "any" | "none";
  /** Null: the client's headers tell its dialect. */
  readonly protocol: Protocol | null;
  /** Null: it is not passed through. */
  readonly passed: Passed | null;
}

/** Any other path. The path itself is the client's text and is not recorded. */
const UNKNOWN: Endpoint = {
  facts: { kind: "api", action: "request" },
  methods: "none",
  protocol: null,
  passed: null,
};

const MODELS: Endpoint = {
  facts: { kind: "api", action: "models", endpoint: "/v1/models" },
  methods: "GET",
  protocol: null,
  passed: null,
};
const MODEL: Endpoint = { ...MODELS, facts: { ...MODELS.facts, endpoint: "/v1/models/{model}" } };
const MODEL_PREFIX = "/v1/models/";

const ENDPOINTS = new Map<string, Endpoint>([["/v1/models", MODELS]]);
for (const protocol of PROTOCOLS.values()) {
  const { action, endpoint } = protocol;
  ENDPOINTS.set(endpoint, {
    facts: { kind: "inference", action, endpoint },
    methods: "POST",
    protocol,
    passed: null,
  });
}

/** Our own paths come first, then those that a provider passes through. */
export function endpointOf(path: string, table: Table): Endpoint {
  const own = ENDPOINTS.get(path);
  if (own !== undefined) return own;
  const passed = table.passThrough(path);
  if (passed !== null) {
    const facts = { kind: "inference", action: "pass_through", endpoint: passed.prefix } as const;
    return { facts, methods: "any", protocol: null, passed };
  }
  return path.startsWith(MODEL_PREFIX) ? MODEL : UNKNOWN;
}

/** The model that a path below /v1/models/ names; null: it is none of these. Percent signs that encode nothing stay. */
export function modelIn(path: string): string | null {
  if (!path.startsWith(MODEL_PREFIX)) return null;
  const name = path.slice(MODEL_PREFIX.length);
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** What the client speaks. */
export function dialectOf({ protocol }: Endpoint, { headers }: IncomingMessage): Dialect {
  if (protocol !== null) return protocol.dialect;
  return headers["anthropic-version"] === undefined ? "openai" : "anthropic";
}

/** Our own errors, by dialect. */
export const ERROR_BODIES: { readonly [D in Dialect]: (error: ErrorFacts) => string } = {
  openai: openaiError,
  anthropic: anthropicError,
};
