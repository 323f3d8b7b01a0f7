// Example calls for what changes providers, routes and the configuration: see mutating-routes.ts.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Example, fresh, make } from "./mutating-routes.ts";

type Values = Readonly<Record<string, unknown>>;
type Ask = Parameters<NonNullable<Example["given"]>>[0];

const SECRET = "sk-live-0123456789abcdefghij";

const token = (what: string) => fresh(what).replace(" ", "-");
const PROVIDER = (ask: Ask) =>
  make(ask, "/admin/providers", { name: token("provider"), backend_type: "simulated" });

/** What a simulated provider is, to the trail. */
const told = (name: unknown) => ({
  name,
  backend_type: "simulated",
  protocols: ["openai", "anthropic"],
  base_url: null,
  enabled: true,
  api_key_stored: false,
  headers: [],
  api_version: null,
  ca_file: null,
  ask_usage: true,
  pass_through: [],
  "timeouts_ms.chat": null,
  "timeouts_ms.completions": null,
  "timeouts_ms.embeddings": null,
  "retries.max": 2,
  "retries.wait_ms": 500,
  "breaker.failures": 5,
  "breaker.rest_ms": 10_000,
  models: 0,
});

const ROUTE = async (ask: Ask) => {
  const { name } = await PROVIDER(ask);
  const { id, model } = await make(ask, "/admin/routes", {
    model: token("model"),
    providers: [{ provider: name }],
    price: { prompt_per_million: 1, completion_per_million: 2 },
  });
  return { id, model, provider: name };
};

/** Changes one option of the file each time. */
const OTHER_FILE: Example["given"] = async (_ask, home) => {
  const path = join(home, "daybook.yaml");
  const [, before = "33554432"] = /max_body_bytes: (\d+)/.exec(readFileSync(path, "utf8")) ?? [];
  writeFileSync(path, `listen: 127.0.0.1:0\nlimits: { max_body_bytes: ${Number(before) + 1} }\n`);
  return { before: Number(before) };
};

const OWN_PATHS: Readonly<Record<string, Example>> = {
  "POST /admin/providers": {
    path: "/admin/providers",
    body: {
      name: "groq",
      api_key: SECRET,
      headers: { "X-Team": SECRET },
      pass_through: ["/v1/audio/"],
      justification: "asked for",
    },
    status: 201,
    oldValues: () => null,
    newValues: () => ({
      ...told("groq"),
      backend_type: "groq",
      protocols: ["openai"],
      base_url: "https://api.groq.com/openai",
      api_key_stored: true,
      headers: ["X-Team"],
      pass_through: ["/v1/audio/"],
    }),
  },
  "PATCH /admin/providers/:name": {
    given: PROVIDER,
    path: ({ name }) => `/admin/providers/${name}`,
    body: { api_key: SECRET, enabled: false, retries: { max: 0 } },
    status: 200,
    oldValues: () => ({
      enabled: true,
      api_key_stored: false,
      "retries.max": 2,
      api_key_changed: false,
    }),
    newValues: () => ({ enabled: false, api_key_stored: true, "retries.max": 0, api_key_changed: true }),
  },
  "DELETE /admin/providers/:name": {
    given: PROVIDER,
    path: ({ name }) => `/admin/providers/${name}`,
    status: 204,
    oldValues: ({ name }) => told(name),
    newValues: () => null,
  },
  "POST /admin/providers/:name/sync": {
    given: PROVIDER,
    path: ({ name }) => `/admin/providers/${name}/sync`,
    status: 200,
    oldValues: () => ({ models: 0, removed: [] }),
    newValues: (_, { models }) => ({ models: (models as string[]).length, added: models }),
  },
  "POST /admin/routes": {
    given: PROVIDER,
    path: "/admin/routes",
    body: ({ name }: Values) => ({
      model: "gpt-*",
      providers: [{ provider: name, upstream_model: "demo" }],
      price: { prompt_per_million: 0.15, cached_prompt_per_million: 0.075, completion_per_million: 0.6 },
    }),
    status: 201,
    oldValues: () => null,
    newValues: ({ name }) => ({
      model: "gpt-*",
      providers: [`${name}=demo`],
      enabled: true,
      prompt_micros: 150_000,
      cached_prompt_micros: 75_000,
      completion_micros: 600_000,
    }),
  },
  "PUT /admin/routes/:id": {
    given: ROUTE,
    path: ({ id }) => `/admin/routes/${id}`,
    body: ({ model, provider }: Values) => ({
      model,
      providers: [{ provider }],
      price: { prompt_per_million: 1, completion_per_million: 3 },
    }),
    status: 200,
    oldValues: () => ({ completion_micros: 2_000_000 }),
    newValues: () => ({ completion_micros: 3_000_000 }),
  },
  "DELETE /admin/routes/:id": {
    given: ROUTE,
    path: ({ id }) => `/admin/routes/${id}`,
    status: 204,
    oldValues: ({ model, provider }) => ({
      model,
      providers: [provider],
      enabled: true,
      prompt_micros: 1_000_000,
      cached_prompt_micros: 1_000_000,
      completion_micros: 2_000_000,
    }),
    newValues: () => null,
  },
  "POST /admin/reload": {
    given: OTHER_FILE,
    path: "/admin/reload",
    status: 200,
    oldValues: ({ before }) => ({ "limits.max_body_bytes": before }),
    newValues: ({ before }) => ({ "limits.max_body_bytes": Number(before) + 1 }),
  },
};

/** The same calls at the paths that other gateways have. */
const ALSO_AT = [
  ["/admin/providers", "/admin/provider-connections"],
  ["/admin/routes", "/admin/model-routes"],
] as const;

const elsewhere = Object.entries(OWN_PATHS).flatMap(([name, example]) =>
  ALSO_AT.filter(([path]) => name.includes(path)).map(([path, other]): [string, Example] => {
    const moved = (text: string) => text.replace(path, other);
    const { path: at } = example;
    const there = typeof at === "string" ? moved(at) : (given: Values) => moved(at(given));
    return [moved(name), { ...example, path: there, ...unlessTaken(name) }];
  }),
);

/** What is unique is made under another name. */
function unlessTaken(name: string): Partial<Example> {
  const { body, newValues } = OWN_PATHS[name] ?? {};
  const renamed = { "POST /admin/providers": { name: "xai" }, "POST /admin/routes": { model: "o1-*" } }[name];
  if (renamed === undefined || newValues === undefined) return {};
  const filled = (given: Values) => (typeof body === "function" ? body(given) : body);
  return {
    body: (given: Values) => ({ ...filled(given), ...renamed }),
    newValues: (given, answer) => ({
      ...newValues(given, answer),
      ...renamed,
      ...("name" in renamed ? { backend_type: "xai", base_url: "https://api.x.ai" } : {}),
    }),
  };
}

export const PROVIDER_EXAMPLES: Readonly<Record<string, Example>> = {
  ...OWN_PATHS,
  ...Object.fromEntries(elsewhere),
};
