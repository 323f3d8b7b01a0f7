// Providers and routes.
import { ask } from "#lib/api.ts";
import * as links from "#lib/links.ts";
import { duration } from "#lib/time.ts";
import { enabled, isOurs, list, source, text } from "./columns.ts";
import type { Column, Resource, Row } from "./resource.ts";

interface Health {
  readonly state: "closed" | "open" | "half_open";
  readonly failures: number;
  readonly last_code: string | number | null;
}

const health = ({ health: is }: Row) => is as Health | null;

const HEALTH: Column = {
  title: "Health",
  text(row) {
    const is = health(row);
    if (is === null) return "not served";
    if (is.state === "closed") return is.failures === 0 ? "well" : `${is.failures} failed in a row`;
    return is.state === "open" ? `left alone (${is.last_code ?? "failing"})` : "being tried";
  },
  tone(row) {
    const is = health(row);
    if (is === null) return "idle";
    return is.state === "open" ? "bad" : is.failures > 0 || is.state === "half_open" ? "late" : "good";
  },
};

const POST = { method: "POST" } as const;

interface Tested {
  readonly ok: boolean;
  readonly duration_ms: number;
  readonly models: number | null;
  readonly status: number | null;
  readonly error_code: string | null;
}

const PROVIDER_FIELDS = [
  "name",
  "backend_type",
  "protocols",
  "base_url",
  "api_version",
  "ca_file",
  "ask_usage",
  "pass_through",
  "timeouts_ms",
  "retries",
  "breaker",
  "models",
  "enabled",
] as const;

export const PROVIDERS: Resource = {
  title: "Providers",
  about: "Where requests are sent on to. Those of the configuration file are changed there.",
  path: "/admin/providers",
  none: "There are no providers yet.",
  keyOf: (row) => `${row.source} ${row.name}`,
  nameOf: text("name"),
  events: ({ name }) => ({ provider: name }),
  columns: [
    { title: "Name", text: text("name"), href: ({ name }) => links.explorer({ provider: name }) },
    { title: "Type", text: text("backend_type") },
    { title: "Speaks", text: list("protocols") },
    { title: "Address", text: text("base_url"), isCode: true },
    { title: "Secret", text: ({ api_key_stored: is }) => (is ? "stored" : "none") },
    HEALTH,
    enabled,
    source,
    {
      title: "Models",
      text: ({ models }) => (Array.isArray(models) && models.length > 0 ? String(models.length) : ""),
    },
  ],
  create: {
    title: "A new provider",
    verb: "New provider",
    method: "POST",
    path: "/admin/providers",
    template: "/admin/providers",
    before: { enabled: true },
  },
  deeds: ({ name }) => [
    {
      title: "Test",
      async run() {
        const answer = await ask<Tested>(`/admin/providers/${encodeURIComponent(String(name))}/test`, POST);
        const { ok, duration_ms: ms, models, status, error_code: code } = answer.data;
        return {
          isBad: !ok,
          text: ok
            ? `${String(name)} answers, in ${duration(ms)}${models === null ? "" : `, and lists ${models} models`}.`
            : `${String(name)} does not answer as it should: ${status ?? code}.`,
          link: { href: links.explorer({ request_id: answer.requestId }), text: "Its event" },
        };
      },
    },
    {
      title: "Ask for its models",
      async run() {
        const answer = await ask<{ models: readonly string[] }>(
          `/admin/providers/${encodeURIComponent(String(name))}/sync`,
          POST,
        );
        return {
          text: `${String(name)} serves ${answer.data.models.length} models.`,
          link: { href: links.explorer({ request_id: answer.requestId }), text: "Its event" },
        };
      },
    },
  ],
  changes(row) {
    if (!isOurs(row)) return [];
    const path = `/admin/providers/${encodeURIComponent(String(row.name))}`;
    const template = "/admin/providers/{name}";
    const before = Object.fromEntries(PROVIDER_FIELDS.map((name) => [name, row[name]]));
    return [
      { title: `Change ${String(row.name)}`, verb: "Change", method: "PATCH", path, template, before },
      {
        title: `Take ${String(row.name)} away`,
        verb: "Delete",
        method: "DELETE",
        path,
        template,
        isDanger: true,
      },
    ];
  },
};

interface Price {
  readonly prompt_micros: number;
  readonly cached_prompt_micros: number;
  readonly completion_micros: number;
}

interface Target {
  readonly provider: string;
  readonly upstream_model: string | null;
}

const priceOf = ({ price }: Row) => price as Price | null;
const targetsOf = ({ providers }: Row) => providers as readonly Target[];

export const ROUTES: Resource = {
  title: "Routes",
  about:
    "A public model name, or a glob, and the providers that serve it, in the order in which they are tried.",
  path: "/admin/routes",
  none: "There are no routes: no model can be asked.",
  keyOf: (row) => `${row.source} ${row.id ?? row.model}`,
  nameOf: text("model"),
  events: ({ model }) => ({ route: model }),
  columns: [
    {
      title: "Model",
      text: text("model"),
      isCode: true,
      href: ({ model }) => links.explorer({ route: model }),
    },
    {
      title: "Providers",
      text: (row) =>
        targetsOf(row)
          .map(({ provider, upstream_model: as }) => (as ? `${provider} (${as})` : provider))
          .join(" → "),
    },
    {
      title: "Price per million",
      text(row) {
        const price = priceOf(row);
        return price === null
          ? ""
          : `$${price.prompt_micros / 1e6} in, $${price.completion_micros / 1e6} out`;
      },
    },
    enabled,
    source,
    { title: "Changed", text: text("updated_at"), isTime: true },
  ],
  create: {
    title: "A new route",
    verb: "New route",
    method: "POST",
    path: "/admin/routes",
    template: "/admin/routes",
    before: { enabled: true, providers: [{}] },
  },
  changes(row) {
    if (!isOurs(row)) return [];
    const path = `/admin/routes/${String(row.id)}`;
    const template = "/admin/routes/{id}";
    const price = priceOf(row);
    const before = {
      model: row.model,
      providers: targetsOf(row).map(({ provider, upstream_model: as }) => ({
        provider,
        ...(as ? { upstream_model: as } : {}),
      })),
      price:
        price === null
          ? {}
          : {
              prompt_per_million: price.prompt_micros / 1e6,
              cached_prompt_per_million: price.cached_prompt_micros / 1e6,
              completion_per_million: price.completion_micros / 1e6,
            },
      enabled: row.enabled,
    };
    return [
      { title: `Change ${String(row.model)}`, verb: "Change", method: "PUT", path, template, before },
      {
        title: `Take ${String(row.model)} away`,
        verb: "Delete",
        method: "DELETE",
        path,
        template,
        isDanger: true,
      },
    ];
  },
};
