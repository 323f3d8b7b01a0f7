// The configuration as the program sees it: camelCase, absolute paths, defaults filled in, frozen.
import type { Kind, Mode } from "../event/fields.ts";
import type { Price } from "../event/price.ts";
import { type ListenAddress, parseListen } from "./address.ts";
import { protocolOf } from "./cross-checks.ts";
import type { ConfigFile } from "./schema.ts";

export interface Provider {
  readonly name: string;
  readonly backendType: string;
  readonly protocol: "openai" | "anthropic";
  /** As written, with or without `/v1` and a trailing slash; null for the built-in simulation. */
  readonly baseUrl: string | null;
  readonly apiKey: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Route {
  /** Public name, or a glob where `*` stands for any text. */
  readonly model: string;
  /** In the order to try; `upstreamModel` null passes the asked name on. */
  readonly providers: readonly { readonly provider: string; readonly upstreamModel: string | null }[];
  readonly price: Price | null;
}

export interface Config {
  /** The file that was read, absolute; null: none. */
  readonly file: string | null;
  readonly profile: string | null;
  readonly listen: ListenAddress;
  readonly allowInsecurePublic: boolean;
  /** Data folder, absolute. It may not exist yet. */
  readonly home: string;
  /** `sqlite:` and an absolute path. */
  readonly store: string;
  readonly providers: readonly Provider[];
  readonly routes: readonly Route[];
  readonly limits: { readonly maxBodyBytes: number };
  readonly timeoutsMs: { readonly chat: number; readonly completions: number; readonly embeddings: number };
  readonly journal: { readonly maxMb: number; readonly reserveMb: number };
  /** IP addresses, and networks as address/bits. */
  readonly trustedProxies: readonly string[];
  readonly mcp: { readonly servers: readonly { readonly name: string; readonly url: string }[] };
  readonly audit: {
    readonly modes: Readonly<Record<Kind, Mode>>;
    readonly retentionDays: Readonly<Record<Kind, number>>;
    /** 0: no cap. */
    readonly maxMb: number;
    readonly userAgent: boolean;
  };
  /** Secrets to use on the first start, as given; not checked here. */
  readonly bootstrap: { readonly adminToken: string | null; readonly apiKey: string | null };
}

/** What does not stand in the file, or was made absolute. */
export type Surroundings = Pick<Config, "file" | "profile" | "home" | "store" | "bootstrap">;

const DEMO: Provider = {
  name: "demo",
  backendType: "simulated",
  protocol: "openai",
  baseUrl: null,
  apiKey: null,
  headers: {},
};

/** `file`, already checked, as a frozen `Config`. */
export function buildConfig(file: ConfigFile, surroundings: Surroundings): Config {
  const simulated = file.providers.length === 0;
  const demoRoute: Route = {
    model: DEMO.name,
    providers: [{ provider: DEMO.name, upstreamModel: null }],
    price: null,
  };
  return deepFreeze({
    ...surroundings,
    listen: parseListen(file.listen) ?? { host: "127.0.0.1", port: 0 },
    allowInsecurePublic: file.allow_insecure_public,
    providers: simulated ? [DEMO] : file.providers.map(providerOf),
    routes: simulated && file.routes.length === 0 ? [demoRoute] : file.routes.map(routeOf),
    limits: { maxBodyBytes: file.limits.max_body_bytes },
    timeoutsMs: file.timeouts_ms,
    journal: { maxMb: file.journal.max_mb, reserveMb: file.journal.reserve_mb },
    trustedProxies: file.trusted_proxies,
    mcp: file.mcp,
    audit: {
      modes: file.audit.modes,
      retentionDays: file.audit.retention_days,
      maxMb: file.audit.max_mb,
      userAgent: file.audit.user_agent,
    },
  });
}

function providerOf(provider: ConfigFile["providers"][number]): Provider {
  return {
    name: provider.name,
    backendType: provider.backend_type,
    protocol: provider.protocol ?? protocolOf(provider.backend_type) ?? "openai",
    baseUrl: provider.base_url ?? null,
    apiKey: provider.api_key ?? null,
    headers: provider.headers,
  };
}

function routeOf({ model, providers, price }: ConfigFile["routes"][number]): Route {
  return {
    model,
    providers: providers.map(({ provider, upstream_model }) => ({
      provider,
      upstreamModel: upstream_model ?? null,
    })),
    price: price === undefined ? null : priceOf(price),
  };
}

function priceOf(price: NonNullable<ConfigFile["routes"][number]["price"]>): Price {
  const micros = (usd: number) => Math.round(usd * 1_000_000);
  return {
    promptMicros: micros(price.prompt_per_million),
    cachedPromptMicros: micros(price.cached_prompt_per_million ?? price.prompt_per_million),
    completionMicros: micros(price.completion_per_million),
  };
}

function deepFreeze<T extends object>(value: T): T {
  for (const child of Object.values(value))
    if (typeof child === "object" && child !== null) deepFreeze(child);
  return Object.freeze(value);
}
