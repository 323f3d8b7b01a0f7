// Routes: those of the configuration file are shown, those of control.db are made, replaced and taken away; and which
// of them a model would take.
import * as z from "zod";
import type { ListedRoute } from "../../control/catalog.ts";
import { DaybookError } from "../../event/errors.ts";
import type { Price } from "../../event/price.ts";
import { routeSchema } from "../../providers/route.ts";
import type { ApiParts } from "../api-parts.ts";
import { REQUEST } from "../audit.ts";
import { alsoAt, type Call, type Route, route } from "../route.ts";
import { JUSTIFICATION, REASON_BODY, SHOWN_TIME, shownTime } from "../values.ts";

const PRICE = z
  .object({
    prompt_micros: z.number(),
    cached_prompt_micros: z.number(),
    completion_micros: z.number(),
  })
  .describe("Millionths of a USD for a million tokens.");

const ROUTE = z.object({
  id: z.string().nullable(),
  source: z.enum(["file", "control", "built_in"]).describe("Only those of `control` can be changed here."),
  model: z.string(),
  providers: z.array(z.object({ provider: z.string(), upstream_model: z.string().nullable() })),
  price: PRICE.nullable(),
  enabled: z.boolean(),
  created_at: SHOWN_TIME.nullable(),
  updated_at: SHOWN_TIME.nullable(),
});

const RESOLVED = z.object({
  model: z.string(),
  route: ROUTE.nullable().describe("null: no route serves it."),
  why: z.string(),
  providers: z
    .array(
      z.object({
        provider: z.string(),
        upstream_model: z.string().describe("What it is asked for there."),
        backend_type: z.string().nullable(),
        protocols: z.array(z.string()),
        state: z.string().describe("`closed`: well; `open`: left alone for now; `half_open`; `not_served`."),
      }),
    )
    .describe("In the order in which they are asked."),
  others: z
    .array(z.object({ model: z.string(), enabled: z.boolean() }))
    .describe("Routes that fit the name too and are not taken."),
});

const ENTITY = { entityType: "model_route" } as const;
const ADMIN = { access: ["admin"], audit: REQUEST } as const;
const BODY = routeSchema.extend({ enabled: z.boolean().default(true), justification: JUSTIFICATION });

const PATHS: readonly Route[] = [
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/routes",
    answers: z.array(ROUTE),
    about: "All routes, those of the configuration file first.",
    answer: async ({ parts }) => parts.catalog.listRoutes().map(shown),
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: "/admin/routes",
    changes: { ...ENTITY, action: "model_route_created" },
    body: BODY,
    answers: ROUTE,
    status: 201,
    about: "Makes a route: a public model name, or a glob, and the providers that serve it, in order.",
    async answer({ parts, actor, body: { justification, ...given } }) {
      const { id } = await parts.catalog.routes.create(actor, given, justification);
      return shown(found(parts, id));
    },
  }),
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/routes/resolve",
    query: z.object({ model: z.string().min(1).max(256).describe("As a client would ask for it.") }),
    answers: RESOLVED,
    about: "Which route a model takes, its providers in order and how they are, and why.",
    answer: async ({ parts, query }) => resolved(parts, query.model),
  }),
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/routes/:id",
    answers: ROUTE,
    about: "One route of control.db, or 404.",
    answer: async ({ parts, params }) => shown(found(parts, params.id)),
  }),
  route({
    ...ADMIN,
    method: "PUT",
    path: "/admin/routes/:id",
    changes: { ...ENTITY, action: "model_route_updated" },
    body: BODY,
    answers: ROUTE,
    about: "Puts another route in its place, price included. What events have cost stays as it was.",
    async answer({ parts, params, actor, body: { justification, ...given } }) {
      await parts.catalog.routes.replace(actor, params.id ?? "", given, justification);
      return shown(found(parts, params.id));
    },
  }),
  route({
    ...ADMIN,
    method: "DELETE",
    path: "/admin/routes/:id",
    changes: { ...ENTITY, action: "model_route_deleted" },
    body: REASON_BODY,
    about: "Takes the route away.",
    answer: async ({ parts, params, actor, body }) => {
      await parts.catalog.routes.delete(actor, params.id ?? "", body.justification);
    },
  }),
];

/** `/admin/model-routes` is the same by the name that other gateways give it. */
export const MODEL_ROUTE_ROUTES: readonly Route[] = [
  ...PATHS,
  ...alsoAt(PATHS, "/admin/routes", "/admin/model-routes"),
];

function found({ catalog }: Call["parts"], id: string | undefined): ListedRoute {
  const listed = catalog.listRoutes().find(({ route }) => route.id !== null && route.id === id);
  if (listed === undefined) throw new DaybookError("unknown_entity", "such route");
  return listed;
}

function resolved({ catalog, upstreams }: ApiParts, model: string): z.output<typeof RESOLVED> {
  const { chosen, others } = upstreams.routeOf(model);
  const listed = catalog.listRoutes().find(({ route }) => route === chosen) ?? null;
  const health = new Map(upstreams.health().map((each) => [each.provider, each.state]));
  const providers = (chosen?.providers ?? []).map(({ provider: name, upstreamModel }) => {
    const provider = catalog.providerNamed(name)?.provider;
    return {
      provider: name,
      upstream_model: upstreamModel ?? model,
      backend_type: provider?.backendType ?? null,
      protocols: [...(provider?.protocols ?? [])],
      state: health.get(name) ?? "not_served",
    };
  });
  return {
    model,
    route: listed === null ? null : shown(listed),
    why: reason(model, listed),
    providers,
    others: [...others],
  };
}

const FROM = {
  file: "of the configuration file",
  control: "of control.db",
  built_in: "built into Daybook",
} as const;

function reason(model: string, listed: ListedRoute | null): string {
  if (listed === null) return "No enabled route has this name, and no glob stands for it.";
  const { route } = listed;
  const from = FROM[route.source];
  if (route.model === model) return `The route of exactly this name, ${from}: exact names come first.`;
  return `The first glob that stands for this name, ${from}: those of the file come first, in their order, then the longest.`;
}

function shown({ route, enabled, createdAt, updatedAt }: ListedRoute): z.output<typeof ROUTE> {
  return {
    id: route.id,
    source: route.source,
    model: route.model,
    providers: route.providers.map(({ provider, upstreamModel }) => ({
      provider,
      upstream_model: upstreamModel,
    })),
    price: route.price === null ? null : shownPrice(route.price),
    enabled,
    created_at: shownTime(createdAt),
    updated_at: shownTime(updatedAt),
  };
}

function shownPrice({ promptMicros, cachedPromptMicros, completionMicros }: Price): z.output<typeof PRICE> {
  return {
    prompt_micros: promptMicros,
    cached_prompt_micros: cachedPromptMicros,
    completion_micros: completionMicros,
  };
}
