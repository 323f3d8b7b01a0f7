// Which providers serve a model: exact names first, then globs in their order.
import { type Dispatcher, Pool } from "undici";
import { endpointUrl } from "../protocols/base-url.ts";

export interface ProviderConfig {
  readonly name: string;
  readonly backendType: string;
  readonly baseUrl: string;
  readonly apiKey: string | null;
  /** Sent with every request, lowercase names. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface RouteConfig {
  /** A model name, or a glob with `*`. */
  readonly model: string;
  readonly providers: readonly { readonly provider: string; readonly upstreamModel: string | null }[];
}

/** A provider as a route uses it. */
export interface Target {
  readonly provider: string;
  readonly backendType: string;
  readonly dispatcher: Dispatcher;
  readonly chatPath: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Name of the model there; null: as asked. */
  readonly upstreamModel: string | null;
}

export interface Route {
  readonly model: string;
  readonly targets: readonly Target[];
}

/** The gateway's own limits bound each request as a whole; undici's per-phase ones would cut long streams. */
const POOL_OPTIONS = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 10_000 } } as const;

export class Routes {
  readonly #exact = new Map<string, Route>();
  readonly #globs: { readonly pattern: RegExp; readonly route: Route }[] = [];
  readonly #pools = new Map<string, Pool>();

  /** Every route names providers that are in `providers`; configuration has checked that. */
  constructor(providers: readonly ProviderConfig[], routes: readonly RouteConfig[]) {
    const byName = new Map(providers.map((provider) => [provider.name, provider]));
    for (const { model, providers: uses } of routes) {
      const targets = uses.flatMap((use) => {
        const provider = byName.get(use.provider);
        return provider === undefined ? [] : [this.#target(provider, use.upstreamModel)];
      });
      const route: Route = { model, targets };
      if (model.includes("*")) this.#globs.push({ pattern: globPattern(model), route });
      else this.#exact.set(model, route);
    }
  }

  find(model: string): Route | null {
    return this.#exact.get(model) ?? this.#globs.find(({ pattern }) => pattern.test(model))?.route ?? null;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  #target(provider: ProviderConfig, upstreamModel: string | null): Target {
    const url = endpointUrl(provider.baseUrl, "/v1/chat/completions");
    const headers = {
      ...(provider.apiKey === null ? {} : { authorization: `Bearer ${provider.apiKey}` }),
      ...provider.headers,
    };
    return {
      provider: provider.name,
      backendType: provider.backendType,
      dispatcher: this.#pool(url.origin),
      chatPath: url.pathname + url.search,
      headers,
      upstreamModel,
    };
  }

  #pool(origin: string): Pool {
    const pool = this.#pools.get(origin) ?? new Pool(origin, POOL_OPTIONS);
    this.#pools.set(origin, pool);
    return pool;
  }
}

/** `*` stands for any run of characters; a run of stars is one, so that matching stays linear. */
function globPattern(glob: string): RegExp {
  const parts = glob.split(/\*+/).map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*?")}$`);
}
