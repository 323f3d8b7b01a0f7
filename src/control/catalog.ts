// All providers and routes together: those of the configuration file, which only a reload changes, and those of
// control.db; and which route a model takes. The file comes first. Among control's globs the one with more letters
// of its own comes first, so that `*` never hides `gpt-*`.
import { resolve } from "node:path";
import { DaybookError } from "../event/errors.ts";
import { type Found, type FoundProviders, providersIn } from "../providers/found.ts";
import { DEMO, type Provider } from "../providers/provider.ts";
import { DEMO_ROUTE, type Route } from "../providers/route.ts";
import type { Actor } from "./change.ts";
import type { Control, Reads } from "./control.ts";
import { ModelRoutes } from "./model-routes.ts";
import { Providers } from "./providers.ts";
import type { SecretsAtRest } from "./secrets-at-rest.ts";

/** What the configuration file says. */
export interface Fixed {
  readonly providers: readonly Provider[];
  readonly routes: readonly Route[];
}

export interface ListedProvider {
  readonly provider: Provider;
  readonly enabled: boolean;
  /** UTC ms; null: it is not kept in control.db. */
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
  /** When it was last asked what it serves; null: never. */
  readonly syncedAt: number | null;
}

export interface ListedRoute {
  readonly route: Route;
  readonly enabled: boolean;
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
}

export interface CatalogOptions {
  readonly control: Control;
  readonly secrets: SecretsAtRest;
  /** The data folder: paths of files in control.db are relative to it. */
  readonly folder: string;
}

const MODELS = "provider_models";
/** Names in the values of an event, so that it stays small. */
const TOLD = 50;

export class Catalog {
  readonly providers: Providers;
  readonly routes: ModelRoutes;
  readonly #control: Control;
  readonly #listeners = new Set<() => void>();
  #fixed: Fixed = { providers: [], routes: [] };
  #synced = new Map<string, { readonly models: readonly string[]; readonly at: number }>();

  constructor({ control, secrets, folder }: CatalogOptions) {
    this.#control = control;
    const changed = () => this.#changed();
    const isFixed = (name: string) => this.#fixed.providers.some((provider) => provider.name === name);
    this.providers = new Providers(
      { control, secrets, path: (file) => resolve(folder, file), isFixed },
      changed,
    );
    this.routes = new ModelRoutes(
      {
        control,
        isFixedProvider: (name) =>
          isFixed(name) || this.served.providers.some(({ name: other }) => other === name),
        isFixed: (model) => this.#fixed.routes.some((route) => route.model === model),
      },
      changed,
    );
    control.onChanged(MODELS, async (reads) => {
      const rows = await reads.selectFrom("provider_models").selectAll().execute();
      const synced = rows.map(
        ({ provider, models, synced_at }) =>
          [provider, { models: JSON.parse(models) as string[], at: synced_at }] as const,
      );
      return () => {
        this.#synced = new Map(synced);
        changed();
      };
    });
  }

  /** From now on the configuration file says this. */
  setFixed(fixed: Fixed): void {
    this.#fixed = fixed;
    this.#changed();
  }

  /** Called after each change, synchronously. It may not throw. */
  onChanged(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** What requests may take: enabled, in order. While there is no provider at all, or a route asks for it, the demo. */
  get served(): Fixed {
    const kept = this.providers.all.filter(
      ({ enabled, provider }) => enabled && !this.#isFixed(provider.name),
    );
    const providers = [...this.#fixed.providers, ...kept.map(({ provider }) => provider)].map((provider) =>
      this.#withModels(provider),
    );
    const own = this.routes.all
      .filter(({ enabled, route }) => enabled && !this.#hasRoute(route.model))
      .map(({ route }) => route)
      .toSorted((one, other) => letters(other) - letters(one));
    const routes = [...this.#fixed.routes, ...own];
    const demoAsked = routes.some(({ providers: uses }) =>
      uses.some(({ provider }) => provider === DEMO.name),
    );
    const isEmpty = providers.length === 0;
    if (providers.some(({ name }) => name === DEMO.name) || (!isEmpty && !demoAsked))
      return { providers, routes };
    return {
      providers: [...providers, DEMO],
      routes: isEmpty && routes.length === 0 ? [DEMO_ROUTE] : routes,
    };
  }

  listProviders(): readonly ListedProvider[] {
    const kept = new Map(this.providers.all.map((each) => [each.provider.name, each]));
    const built = this.served.providers.filter(({ source }) => source !== "control");
    const own = [...kept.values()].filter(({ provider }) => !this.#isFixed(provider.name));
    return [
      ...built.map((provider) => ({ provider, enabled: true, createdAt: null, updatedAt: null })),
      ...own.map(({ provider, enabled, createdAt, updatedAt }) => ({
        provider: this.#withModels(provider),
        enabled,
        createdAt,
        updatedAt,
      })),
    ].map((listed) => ({ ...listed, syncedAt: this.#synced.get(listed.provider.name)?.at ?? null }));
  }

  providerNamed(name: string): ListedProvider | null {
    return this.listProviders().find(({ provider }) => provider.name === name) ?? null;
  }

  listRoutes(): readonly ListedRoute[] {
    const built = this.served.routes.filter(({ source }) => source !== "control");
    const own = this.routes.all.filter(({ route }) => !this.#hasRoute(route.model));
    return [
      ...built.map((route) => ({ route, enabled: true, createdAt: null, updatedAt: null })),
      ...own.map(({ route, enabled, createdAt, updatedAt }) => ({ route, enabled, createdAt, updatedAt })),
    ];
  }

  /** Keeps what a provider said that it serves. */
  async saveModels(actor: Actor, provider: string, found: readonly string[]): Promise<void> {
    const models = [...new Set(found)].sort();
    const now = this.#control.clock();
    const entry = { action: "provider_models_synced", entityType: MODELS };
    await this.#control.change(actor, entry, async (change) => {
      const row = await change
        .selectFrom("provider_models")
        .select("models")
        .where("provider", "=", provider)
        .executeTakeFirst();
      const before = row === undefined ? [] : (JSON.parse(row.models) as string[]);
      const values = { models: JSON.stringify(models), synced_at: now };
      await change
        .insertInto("provider_models")
        .values({ provider, ...values })
        .onConflict((conflict) => conflict.column("provider").doUpdateSet(values))
        .execute();
      const told = (names: readonly string[], others: readonly string[]) => {
        const set = new Set(others);
        return names.filter((name) => !set.has(name)).slice(0, TOLD);
      };
      return {
        entityId: provider,
        oldValues: { models: before.length, removed: told(before, models) },
        newValues: { models: models.length, added: told(models, before) },
      };
    });
  }

  /**
   * Makes the providers that the environment tells of, and routes to them, when there are none and never were; and
   * answers with those that it made. One by one: what a crash cuts short is not made up for.
   */
  async addFound(found: FoundProviders): Promise<readonly Found[]> {
    const setting = { name: "providers_found", value: "done" };
    const isDone = async (reads: Reads) =>
      (await reads
        .selectFrom("settings")
        .select("name")
        .where("name", "=", setting.name)
        .executeTakeFirst()) !== undefined;
    const made: Found[] = [];
    if (
      this.#fixed.providers.length > 0 ||
      this.providers.all.length > 0 ||
      (await isDone(this.#control.reads))
    )
      return made;
    for (const each of providersIn(found)) {
      const { variable, provider, models } = each;
      const because = `Found in ${variable} at the first start.`;
      await this.providers.create({ caller: "system" }, provider, because, async (change) => {
        if (made.length > 0) return;
        if (await isDone(change)) throw new DaybookError("conflict", "Another process makes them.");
        await change.insertInto("settings").values(setting).execute();
      });
      for (const model of models) {
        const route = { model, providers: [{ provider: provider.name }] };
        if (!this.#hasRoute(model)) await this.routes.create({ caller: "system" }, route, because);
      }
      made.push(each);
    }
    return made;
  }

  #isFixed(name: string): boolean {
    return this.#fixed.providers.some((provider) => provider.name === name);
  }

  #hasRoute(model: string): boolean {
    return this.#fixed.routes.some((route) => route.model === model);
  }

  #withModels(provider: Provider): Provider {
    const synced = this.#synced.get(provider.name);
    if (synced === undefined) return provider;
    return { ...provider, models: [...new Set([...provider.models, ...synced.models])].sort() };
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Characters that stand for themselves; a name without `*` is not a glob, and its place says nothing. */
function letters({ model }: Route): number {
  return model.replaceAll("*", "").length;
}
