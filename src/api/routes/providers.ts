// Providers: those of the configuration file are shown, those of control.db are made, changed and taken away; any of
// them can be tried, and asked what it serves.
import * as z from "zod";
import type { ListedProvider } from "../../control/catalog.ts";
import type { ProviderPatch } from "../../control/providers.ts";
import { DaybookError } from "../../event/errors.ts";
import { providerSchema } from "../../providers/provider.ts";
import { DIALECTS } from "../../providers/vendors.ts";
import type { ApiParts } from "../api-parts.ts";
import { REQUEST } from "../audit.ts";
import { alsoAt, type Call, type Route, route } from "../route.ts";
import { refusalOfCall, type UpstreamHealth } from "../upstreams.ts";
import { JUSTIFICATION, REASON_BODY, SHOWN_TIME, shownTime } from "../values.ts";

const HEALTH = z.object({
  state: z.enum(["closed", "open", "half_open"]),
  failures: z.number(),
  rest_ms: z.number(),
  last_code: z.union([z.string(), z.number()]).nullable(),
});

const PROVIDER = z.object({
  id: z.string().nullable(),
  source: z.enum(["file", "control", "built_in"]).describe("Only those of `control` can be changed here."),
  name: z.string(),
  backend_type: z.string(),
  protocols: z.array(z.enum(DIALECTS)),
  base_url: z.string().nullable(),
  api_version: z.string().nullable(),
  api_key_stored: z.boolean(),
  headers: z.array(z.string()).describe("Their names."),
  ca_file: z.string().nullable(),
  ask_usage: z.boolean(),
  pass_through: z.array(z.string()),
  timeouts_ms: z.object({
    chat: z.number().nullable(),
    completions: z.number().nullable(),
    embeddings: z.number().nullable(),
  }),
  retries: z.object({ max: z.number(), wait_ms: z.number() }),
  breaker: z.object({ failures: z.number(), rest_ms: z.number() }),
  models: z.array(z.string()),
  synced_at: SHOWN_TIME.nullable(),
  enabled: z.boolean(),
  health: HEALTH.nullable().describe("null: it is not served."),
  created_at: SHOWN_TIME.nullable(),
  updated_at: SHOWN_TIME.nullable(),
});

/** The fields of a provider without their defaults, so that what is left out of a patch stays as it is. */
const PATCH: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  Object.entries(providerSchema.shape).map(([name, field]) => [name, bare(field).nullish()]),
);

function bare(field: z.ZodType): z.ZodType {
  if (field instanceof z.ZodObject)
    return z.strictObject(
      Object.fromEntries(
        Object.entries(field.shape as Readonly<Record<string, z.ZodType>>).map(([name, member]) => [
          name,
          bare(member).nullish(),
        ]),
      ),
    );
  return field instanceof z.ZodDefault || field instanceof z.ZodPrefault || field instanceof z.ZodOptional
    ? bare(field.unwrap() as z.ZodType)
    : field;
}

const ENTITY = { entityType: "provider_connection" } as const;
const ADMIN = { access: ["admin"], audit: REQUEST } as const;

const PATHS: readonly Route[] = [
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/providers",
    answers: z.array(PROVIDER),
    about: "All providers, those of the configuration file first. Keys and header values are never shown.",
    async answer({ parts }) {
      return parts.catalog.listProviders().map((listed) => shown(listed, parts));
    },
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: "/admin/providers",
    changes: { ...ENTITY, action: "provider_connection_created" },
    body: providerSchema.extend({ enabled: z.boolean().default(true), justification: JUSTIFICATION }),
    answers: PROVIDER,
    status: 201,
    about: "Makes a provider. A known name needs no more than its key.",
    async answer({ parts, actor, body: { justification, ...given } }) {
      await parts.catalog.providers.create(actor, given, justification);
      return shown(found(parts, given.name), parts);
    },
  }),
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/providers/:name",
    answers: PROVIDER,
    about: "One provider, or 404.",
    answer: async ({ parts, params }) => shown(found(parts, params.name), parts),
  }),
  route({
    ...ADMIN,
    method: "PATCH",
    path: "/admin/providers/:name",
    changes: { ...ENTITY, action: "provider_connection_updated" },
    body: z.object({ ...PATCH, enabled: z.boolean().optional(), justification: JUSTIFICATION }),
    answers: PROVIDER,
    about:
      "Changes what is given, within `timeouts_ms`, `retries` and `breaker` too; null takes it away. Running requests end as they began.",
    async answer({ parts, params, actor, body: { justification, ...patch } }) {
      const { providers } = parts.catalog;
      // Its members are those of PATCH, by their schemas.
      const given = patch as ProviderPatch;
      const { provider } = await providers.update(actor, params.name ?? "", given, justification);
      return shown(found(parts, provider.name), parts);
    },
  }),
  route({
    ...ADMIN,
    method: "DELETE",
    path: "/admin/providers/:name",
    changes: { ...ENTITY, action: "provider_connection_deleted" },
    body: REASON_BODY,
    about: "Takes the provider away, with its key. 409 while a route of control.db names it.",
    answer: async ({ parts, params, actor, body }) => {
      await parts.catalog.providers.delete(actor, params.name ?? "", body.justification);
    },
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: "/admin/providers/:name/test",
    audit: { kind: "admin", action: "provider_connection_tested" },
    acts: true,
    answers: z.object({
      ok: z.boolean(),
      duration_ms: z.number(),
      models: z.number().nullable().describe("How many it lists."),
      status: z.number().nullable().describe("What it answered; null when it did not, or all is well."),
      error_code: z.string().nullable(),
      error_type: z.string().nullable(),
    }),
    about: "Makes one cheap call, for the list of models, and says how it went. Its event says so too.",
    answer: test,
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: "/admin/providers/:name/sync",
    changes: { entityType: "provider_models", action: "provider_models_synced" },
    answers: z.object({ provider: z.string(), models: z.array(z.string()) }),
    about:
      "Asks the provider which models it serves, and keeps the list: `GET /v1/models` shows it under globs.",
    async answer({ parts, params, actor }) {
      const { name } = found(parts, params.name).provider;
      const called = await parts.upstreams.list(name);
      if (!called.ok) throw refusalOfCall(name, called);
      await parts.catalog.saveModels(actor, name, called.value);
      return { provider: name, models: [...called.value] };
    },
  }),
];

/** `/admin/provider-connections` is the same by the name that other gateways give it. */
export const PROVIDER_ROUTES: readonly Route[] = [
  ...PATHS,
  ...alsoAt(PATHS, "/admin/providers", "/admin/provider-connections"),
];

async function test({ parts, params, audit }: Call) {
  const { provider } = found(parts, params.name);
  const startedAt = performance.now();
  const called = await parts.upstreams.list(provider.name);
  const duration_ms = Math.round(performance.now() - startedAt);
  const failure = called.ok ? null : called;
  const answer = {
    ok: called.ok,
    duration_ms,
    models: called.ok ? called.value.length : null,
    status: failure?.status ?? null,
    error_code: failure?.code ?? null,
    error_type: failure?.errorType ?? null,
  };
  const code = failure?.status ?? failure?.errorType ?? failure?.code ?? "ok";
  audit?.note({
    entityType: ENTITY.entityType,
    entityId: provider.id ?? provider.name,
    provider: provider.name,
    providerId: provider.id,
    backendType: provider.backendType,
    attempts: [{ provider: provider.name, code, ms: duration_ms }],
    metadata: { ok: called.ok },
  });
  return answer;
}

function found({ catalog }: ApiParts, name: string | undefined): ListedProvider {
  const listed = catalog.providerNamed(name ?? "");
  if (listed === null) throw new DaybookError("unknown_entity", "such provider");
  return listed;
}

function shown(listed: ListedProvider, { upstreams }: ApiParts): z.output<typeof PROVIDER> {
  const { provider, enabled, createdAt, updatedAt, syncedAt } = listed;
  const health = upstreams.health().find((each) => each.provider === provider.name) ?? null;
  return {
    id: provider.id,
    source: provider.source,
    name: provider.name,
    backend_type: provider.backendType,
    protocols: [...provider.protocols],
    base_url: provider.baseUrl,
    api_version: provider.apiVersion,
    api_key_stored: provider.apiKey !== null,
    headers: Object.keys(provider.headers),
    ca_file: provider.caFile,
    ask_usage: provider.askUsage,
    pass_through: [...provider.passThrough],
    timeouts_ms: provider.timeoutsMs,
    retries: { max: provider.retry.max, wait_ms: provider.retry.waitMs },
    breaker: { failures: provider.breaker.failures, rest_ms: provider.breaker.restMs },
    models: [...provider.models],
    synced_at: shownTime(syncedAt),
    enabled,
    health: health === null ? null : shownHealth(health),
    created_at: shownTime(createdAt),
    updated_at: shownTime(updatedAt),
  };
}

function shownHealth({ state, failures, restMs, lastCode }: UpstreamHealth): z.output<typeof HEALTH> {
  return { state, failures, rest_ms: restMs, last_code: lastCode };
}
