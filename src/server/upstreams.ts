// Providers at work, for the API: how they are, what they list, which route a model takes.
import type { RouteChoice, Upstreams } from "../api/upstreams.ts";
import type { Catalog, ListedRoute } from "../control/catalog.ts";
import { DaybookError } from "../event/errors.ts";
import { isGlob, matchesGlob } from "../gateway/globs.ts";
import { type Called, type FailedCall, listModels, setLoaded } from "../gateway/provider-calls.ts";
import type { Target } from "../gateway/routes.ts";
import type { Upstream } from "../gateway/upstream.ts";
import type { ProviderTable } from "./provider-table.ts";

const MISSING: FailedCall = {
  ok: false,
  code: "provider_unreachable",
  status: null,
  errorType: "not_served",
};

export function createUpstreams({ routes }: ProviderTable, catalog: Catalog): Upstreams {
  const named = (name: string): Upstream | null =>
    routes.table.providers.find((provider) => provider.name === name) ?? null;
  const served = (model: string): Target[] => {
    const route = routes.find(model);
    if (route === null) throw new DaybookError("unknown_entity", "route for this model");
    return [...route.targets];
  };
  return {
    health: () => routes.health(),
    models: () => routes.models(),
    routeOf: (model) => choiceOf(model, routes.find(model)?.model ?? null, catalog.listRoutes()),
    async list(provider) {
      const upstream = named(provider);
      if (upstream === null) return MISSING;
      const { table } = routes;
      table.hold();
      try {
        return await listModels(upstream);
      } finally {
        table.release();
      }
    },
    async setLoaded(model, loaded): Promise<Called<string>> {
      const local = served(model).find(({ provider }) => provider.backendType === "local");
      if (local === undefined)
        return { ok: false, code: "not_supported", status: null, errorType: "not_local" };
      const { table } = routes;
      table.hold();
      try {
        const called = await setLoaded(local.provider, local.upstreamModel ?? model, loaded);
        return called.ok ? { ok: true, value: local.provider.name } : called;
      } finally {
        table.release();
      }
    },
  };
}

function choiceOf(model: string, taken: string | null, listed: readonly ListedRoute[]): RouteChoice {
  const fitting = listed.filter(
    ({ route }) => route.model === model || (isGlob(route.model) && matchesGlob(route.model, model)),
  );
  const chosen = listed.find(({ route, enabled }) => enabled && route.model === taken) ?? null;
  return {
    chosen: chosen?.route ?? null,
    others: fitting
      .filter(({ route }) => route !== chosen?.route)
      .map(({ route, enabled }) => ({ model: route.model, enabled })),
  };
}
