// Connections to providers: one pool for each origin and way of reaching it, made when it is first used.
import { createSecureContext, getCACertificates } from "node:tls";
import { type Dispatcher, EnvHttpProxyAgent, Pool } from "undici";

/** The environment's proxies, as configuration read them. */
export interface ProxySettings {
  readonly httpProxy: string | null;
  readonly httpsProxy: string | null;
  /** Hosts that are reached directly, as in NO_PROXY. */
  readonly noProxy: string | null;
}

export interface Reach {
  readonly origin: string;
  /** PEM of certificates that are trusted beside the usual ones; null: none. */
  readonly ca: string | null;
  readonly connectMs: number;
  /** Past the environment's proxies. */
  readonly direct: boolean;
}

export class Pools {
  readonly #proxy: ProxySettings | null;
  readonly #pools = new Map<string, Dispatcher>();

  constructor(proxy: ProxySettings | null) {
    this.#proxy = proxy;
  }

  /** The pool for `reach`, the same as long as it is kept. */
  for(reach: Reach): Dispatcher {
    const key = JSON.stringify(reach);
    const pool = this.#pools.get(key) ?? this.#open(reach);
    this.#pools.set(key, pool);
    return pool;
  }

  /** Closes the pools that are not in `used`: nobody may dispatch on them any more. */
  keepOnly(used: ReadonlySet<Dispatcher>): void {
    for (const [key, pool] of this.#pools) {
      if (used.has(pool)) continue;
      this.#pools.delete(key);
      // A close that fails leaves nothing to do: its connections are gone either way.
      pool.close().catch(() => {});
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  #open({ origin, ca, connectMs, direct }: Reach): Dispatcher {
    const trust = ca === null ? {} : { secureContext: trusting(ca) };
    const connect = { ...trust, timeout: connectMs };
    // Our own limits bound each request as a whole; undici's per-phase ones would cut long streams.
    const options = { headersTimeout: 0, bodyTimeout: 0, connect };
    if (this.#proxy === null || direct) return new Pool(origin, options);
    const { httpProxy, httpsProxy, noProxy } = this.#proxy;
    return new EnvHttpProxyAgent({
      ...options,
      requestTls: connect,
      // Empty: none. Left out, undici would read the environment itself.
      httpProxy: httpProxy ?? "",
      httpsProxy: httpsProxy ?? "",
      noProxy: noProxy ?? "",
    });
  }
}

/** One context for all connections of a pool: it reads some 150 certificates. */
function trusting(ca: string) {
  return createSecureContext({ ca: [...getCACertificates("default"), ca] });
}
