// A provider at work: how it is reached, what it is told, and whether it is well.
import type { Dispatcher } from "undici";
import { endpointUrl, serverUrl } from "../protocols/base-url.ts";
import type { Dialect } from "../protocols/protocol.ts";
import type { Provider } from "../providers/provider.ts";
import { Breaker, type BreakerState } from "./breaker.ts";
import type { Pools } from "./pools.ts";
import type { RetryOptions } from "./retries.ts";

/** A provider whose address is known, that of the built-in simulation too. */
export interface ProviderConfig extends Provider {
  readonly baseUrl: string;
}

/** Time limits of whole requests, ms. */
export interface Timeouts {
  /** Chat completions, responses and messages, and whatever has none of its own. */
  readonly chat: number;
  readonly completions: number;
  readonly embeddings: number;
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
  /** Code of the last try: a status, a native code, or `ok`; null before the first. */
  readonly lastCode: string | number | null;
}

const CONNECT_MS = 10_000;

export class Upstream {
  readonly id: string | null;
  readonly name: string;
  readonly backendType: string;
  readonly protocols: readonly Dialect[];
  readonly askUsage: boolean;
  readonly passThrough: readonly string[];
  readonly models: readonly string[];
  /** Of its own; null: as for all. */
  readonly timeoutsMs: Provider["timeoutsMs"];
  readonly retry: RetryOptions;
  readonly breaker: Breaker;
  readonly dispatcher: Dispatcher;
  lastCode: string | number | null = null;
  readonly #baseUrl: string;
  /** Azure's, whose deployments have an address each. */
  readonly #apiVersion: string | null;
  readonly #headers: { readonly [D in Dialect]: Readonly<Record<string, string>> };
  /** By endpoint: there are few, and parsing URLs is slow. */
  readonly #places = new Map<string, Place>();

  /** `ca`: PEM of the certificates that are trusted beside the usual ones, or null. */
  constructor(config: ProviderConfig, ca: string | null, pools: Pools) {
    const { apiKey, backendType, headers, baseUrl } = config;
    this.id = config.id;
    this.name = config.name;
    this.backendType = backendType;
    this.protocols = config.protocols;
    this.askUsage = config.askUsage;
    this.passThrough = config.passThrough;
    this.models = config.models;
    this.timeoutsMs = config.timeoutsMs;
    this.retry = config.retry;
    this.breaker = new Breaker(config.breaker);
    this.#baseUrl = baseUrl;
    this.#apiVersion = config.apiVersion;
    this.#headers = {
      openai: { ...openaiKey(apiKey, backendType), ...headers },
      anthropic: { ...(apiKey === null ? {} : { "x-api-key": apiKey }), ...headers },
    };
    const { origin } = new URL(baseUrl);
    // The simulation is in this process: no proxy stands between.
    this.dispatcher = pools.for({ origin, ca, connectMs: CONNECT_MS, direct: backendType === "simulated" });
  }

  speaks(dialect: Dialect): boolean {
    return this.protocols.includes(dialect);
  }

  /** Where an endpoint is; `model`: its name there, null for what is of none. */
  place(endpoint: `/v1/${string}`, model: string | null): Place {
    if (this.#apiVersion !== null) return this.#placeOf(endpoint, model);
    let place = this.#places.get(endpoint);
    if (place === undefined) {
      place = this.#placeOf(endpoint, null);
      this.#places.set(endpoint, place);
    }
    return place;
  }

  /** Where what is the server's own is. */
  placeAtServer(path: `/${string}`): Place {
    const { origin, pathname, search } = serverUrl(this.#baseUrl, path);
    return { origin, path: pathname + search };
  }

  /** Where any path is, that no model is known of; `search`: its query string. */
  placeBeside(path: `/v1/${string}`, search: string): Place {
    const { origin, path: there } = this.#placeOf(path, null);
    if (search === "") return { origin, path: there };
    return { origin, path: there.includes("?") ? `${there}&${search.slice(1)}` : there + search };
  }

  #placeOf(path: `/v1/${string}`, deployment: string | null): Place {
    const apiVersion = this.#apiVersion;
    const azure = apiVersion === null ? null : { apiVersion, deployment };
    const { origin, pathname, search } = endpointUrl(this.#baseUrl, path, azure);
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
