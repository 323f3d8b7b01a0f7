// A provider at work: how it is reached, what it is told, and whether it is well.
import type { Dispatcher } from "undici";
import { endpointUrl } from "../protocols/base-url.ts";
import type { Dialect } from "../protocols/protocol.ts";
import { Breaker, type BreakerOptions, type BreakerState } from "./breaker.ts";
import type { Pools } from "./pools.ts";
import type { RetryOptions } from "./retries.ts";

export interface ProviderConfig {
  /** Its id in control; null: it stands in the configuration file. */
  readonly id: string | null;
  readonly name: string;
  readonly backendType: string;
  /** What it speaks. */
  readonly protocols: readonly Dialect[];
  readonly baseUrl: string;
  readonly apiKey: string | null;
  /** Sent with every request, lowercase names. */
  readonly headers: Readonly<Record<string, string>>;
  /** PEM of certificates that are trusted for it beside the usual ones. */
  readonly ca?: string | null;
  /** Path prefixes below /v1/ that it serves unseen. */
  readonly passThrough?: readonly string[];
  /** What it serves, as far as it is known: globs of routes are listed by these names. */
  readonly models?: readonly string[];
  readonly timeoutsMs?: Partial<ProviderTimeouts>;
  readonly retries?: Partial<RetryOptions>;
  readonly breaker?: Partial<BreakerOptions>;
}

export interface ProviderTimeouts {
  readonly connect: number;
  /** Of each try, until the head of its answer; 0: only the endpoint's own limit. */
  readonly firstByte: number;
}

/** Where a request goes. */
export interface Place {
  readonly origin: string;
  /** With its query string. */
  readonly path: string;
}

/** How a provider is. */
export interface ProviderHealth {
  readonly provider: string;
  readonly state: BreakerState;
  /** Failures since its last answer. */
  readonly failures: number;
  /** Until it is tried again, when it is resting. */
  readonly restMs: number;
  /** Code of the last try, a status or a native code; null before the first. */
  readonly lastCode: string | number | null;
}

const TIMEOUTS: ProviderTimeouts = { connect: 10_000, firstByte: 0 };
const RETRIES: RetryOptions = { max: 1, waitMs: 200 };
const BREAKER: BreakerOptions = { failures: 5, restMs: 10_000 };

export class Provider {
  readonly id: string | null;
  readonly name: string;
  readonly backendType: string;
  readonly protocols: readonly Dialect[];
  readonly passThrough: readonly string[];
  readonly models: readonly string[];
  readonly dispatcher: Dispatcher;
  readonly retries: RetryOptions;
  readonly firstByteMs: number;
  readonly breaker: Breaker;
  lastCode: string | number | null = null;
  readonly #baseUrl: string;
  /** By endpoint: there are few, and parsing URLs is slow. */
  readonly #places = new Map<string, Place>();
  readonly #headers: { readonly [D in Dialect]: Readonly<Record<string, string>> };

  constructor(config: ProviderConfig, pools: Pools) {
    const { apiKey, backendType, headers, baseUrl, ca = null } = config;
    const { connect, firstByte } = { ...TIMEOUTS, ...config.timeoutsMs };
    this.id = config.id;
    this.name = config.name;
    this.backendType = backendType;
    this.protocols = config.protocols;
    this.passThrough = config.passThrough ?? [];
    this.models = config.models ?? [];
    this.retries = { ...RETRIES, ...config.retries };
    this.firstByteMs = firstByte;
    this.breaker = new Breaker({ ...BREAKER, ...config.breaker });
    this.#baseUrl = baseUrl;
    this.#headers = {
      openai: { ...openaiKey(apiKey, backendType), ...headers },
      anthropic: { ...(apiKey === null ? {} : { "x-api-key": apiKey }), ...headers },
    };
    this.dispatcher = pools.for({ origin: new URL(baseUrl).origin, ca, connectMs: connect });
  }

  speaks(dialect: Dialect): boolean {
    return this.protocols.includes(dialect);
  }

  /** Where an endpoint is. */
  place(endpoint: `/v1/${string}`): Place {
    let place = this.#places.get(endpoint);
    if (place === undefined) {
      place = this.placeOf(endpoint);
      this.#places.set(endpoint, place);
    }
    return place;
  }

  /** Where any path is. */
  placeOf(path: `/v1/${string}`): Place {
    const { origin, pathname, search } = endpointUrl(this.#baseUrl, path);
    return { origin, path: pathname + search };
  }

  /** What every request in this dialect carries, the key included; lowercase names. */
  headers(dialect: Dialect): Readonly<Record<string, string>> {
    return this.#headers[dialect];
  }

  get health(): ProviderHealth {
    const { state, failures, restMs } = this.breaker;
    return { provider: this.name, state, failures, restMs, lastCode: this.lastCode };
  }
}

function openaiKey(apiKey: string | null, backendType: string): Record<string, string> {
  if (apiKey === null) return {};
  return backendType === "azure" ? { "api-key": apiKey } : { authorization: `Bearer ${apiKey}` };
}
