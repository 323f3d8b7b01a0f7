// Which providers serve a model: exact names first, then globs in their order. The table can be replaced while
// requests run: new ones take the new table, running ones end on the old, and a provider that stays as it was keeps
// its connections and its health.
import { readFileSync } from "node:fs";
import type { Dispatcher } from "undici";
import type { Price } from "../event/price.ts";
import type { Dialect } from "../protocols/protocol.ts";
import type { Route as RouteConfig } from "../providers/route.ts";
import { isGlob, matchesGlob } from "./globs.ts";
import type { Passed } from "./pass-through.ts";
import { Pools, type ProxySettings } from "./pools.ts";
import { type ProviderConfig, type ProviderHealth, Upstream } from "./upstream.ts";

/** A provider as a route uses it. */
export interface Target {
  readonly provider: Upstream;
  /** Name of the model there; null: as asked. */
  readonly upstreamModel: string | null;
}

export interface Route {
  readonly id: string | null;
  readonly model: string;
  readonly price: Price | null;
  readonly targets: readonly Target[];
  readonly table: Table;
}

/** No model is found by a longer name. */
const MAX_MODEL_LENGTH = 256;

export class Routes {
  readonly #pools: Pools;
  readonly #known = new Map<string, { readonly config: string; readonly provider: Upstream }>();
  readonly #tables = new Set<Table>();
  #table: Table;

  constructor(
    providers: readonly ProviderConfig[],
    routes: readonly RouteConfig[],
    proxy: ProxySettings | null = null,
  ) {
    this.#pools = new Pools(proxy);
    this.#table = this.#build(providers, routes);
  }

  /**
   * From now on requests take these. Every route names providers that are in `providers`; whoever keeps them has
   * checked that. Throws, and changes nothing, when a provider's address or certificates cannot be used.
   */
  replace(providers: readonly ProviderConfig[], routes: readonly RouteConfig[]): void {
    const old = this.#table;
    this.#table = this.#build(providers, routes);
    old.retire();
  }

  find(model: string): Route | null {
    return this.#table.find(model);
  }

  /** Public names, in order of the routes: a glob stands for what its providers are known to serve. */
  models(): readonly string[] {
    return this.#table.models;
  }

  health(): ProviderHealth[] {
    return this.#table.providers.map(({ health }) => health);
  }

  /** The table that new requests take now; `hold` it for as long as its providers are used. */
  get table(): Table {
    return this.#table;
  }

  async close(): Promise<void> {
    await this.#pools.close();
  }

  #build(configs: readonly ProviderConfig[], routes: readonly RouteConfig[]): Table {
    const built = configs.map((config) => {
      const ca = config.caFile === null ? null : readFileSync(config.caFile, "utf8");
      const text = JSON.stringify([config, ca]);
      const known = this.#known.get(config.name);
      const same = known?.config === text;
      return { config: text, provider: same ? known.provider : new Upstream(config, ca, this.#pools) };
    });
    this.#known.clear();
    for (const entry of built) this.#known.set(entry.provider.name, entry);
    const providers = built.map(({ provider }) => provider);
    const table = new Table(providers, routes, () => {
      this.#tables.delete(table);
      this.#closeUnused();
    });
    this.#tables.add(table);
    return table;
  }

  #closeUnused(): void {
    const used = new Set<Dispatcher>();
    for (const { providers } of this.#tables) for (const { dispatcher } of providers) used.add(dispatcher);
    this.#pools.keepOnly(used);
  }
}

/** Providers and routes as they were at one time, for as long as somebody uses them. */
export class Table {
  readonly providers: readonly Upstream[];
  readonly models: readonly string[];
  readonly #exact = new Map<string, Route>();
  readonly #globs: Route[] = [];
  readonly #onUnused: () => void;
  readonly #passes: boolean;
  #users = 0;
  #retired = false;

  constructor(providers: readonly Upstream[], routes: readonly RouteConfig[], onUnused: () => void) {
    this.providers = providers;
    this.#onUnused = onUnused;
    this.#passes = providers.some(({ passThrough }) => passThrough.length > 0);
    const byName = new Map(providers.map((provider) => [provider.name, provider]));
    for (const { id, model, price, providers: uses } of routes) {
      const targets = uses.flatMap(({ provider: name, upstreamModel }) => {
        const provider = byName.get(name);
        return provider === undefined ? [] : [{ provider, upstreamModel }];
      });
      const route: Route = { id, model, price, targets, table: this };
      if (isGlob(model)) this.#globs.push(route);
      else if (!this.#exact.has(model)) this.#exact.set(model, route);
    }
    this.models = [...new Set(routes.flatMap(({ model }) => this.#namesOf(model)))];
  }

  find(model: string): Route | null {
    const exact = this.#exact.get(model);
    if (exact !== undefined) return exact;
    if (model.length > MAX_MODEL_LENGTH) return null;
    return this.#globs.find((route) => matchesGlob(route.model, model)) ?? null;
  }

  /** The first provider that passes `path` through, or null. */
  passThrough(path: string): Passed | null {
    if (!this.#passes || !isPlain(path)) return null;
    for (const provider of this.providers) {
      const prefix = provider.passThrough.find((start) => path.startsWith(start));
      if (prefix !== undefined) return { provider, prefix, table: this };
    }
    return null;
  }

  hold(): void {
    this.#users++;
  }

  release(): void {
    this.#users--;
    this.#endWhenUnused();
  }

  /** Takes no new users. */
  retire(): void {
    this.#retired = true;
    this.#endWhenUnused();
  }

  #endWhenUnused(): void {
    if (this.#retired && this.#users === 0) this.#onUnused();
  }

  #namesOf(model: string): readonly string[] {
    if (!isGlob(model)) return [model];
    const route = this.#globs.find((candidate) => candidate.model === model);
    const names = route?.targets.flatMap(({ provider }) => provider.models) ?? [];
    return names.filter((name) => matchesGlob(model, name)).toSorted();
  }
}

/** Nothing in the path is a step up or another host, however it is written: it is below its prefix. */
function isPlain(path: string): boolean {
  return URL.parse(path, "http://daybook")?.pathname === path;
}

/** Those of a route's providers that speak `dialect`, in order. */
export function speaking(route: Route, dialect: Dialect): readonly Target[] {
  const { targets } = route;
  return targets.every(({ provider }) => provider.speaks(dialect))
    ? targets
    : targets.filter(({ provider }) => provider.speaks(dialect));
}
