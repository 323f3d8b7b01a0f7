// One example call for every route that changes something. A route without one fails mutating-routes.test.ts.
import type { Asked, AskOptions } from "../support/daybook.ts";
import { MCP_EXAMPLES } from "./mcp-examples.ts";
import { EVIDENCE_EXAMPLES } from "./mutating-evidence.ts";
import { MONEY_EXAMPLES } from "./mutating-money.ts";
import { SCHEDULE_EXAMPLES } from "./mutating-schedules.ts";
import { POLICY_EXAMPLES } from "./policy-examples.ts";
import { PROVIDER_EXAMPLES } from "./provider-examples.ts";
import { VIEW_EXAMPLES } from "./view-examples.ts";

type Ask = (path: string, options?: AskOptions) => Promise<Asked>;
type Values = Readonly<Record<string, unknown>>;

export interface Example {
  /** What must be there before, made through the API or in the data folder; its answer goes to `path` and the rest. */
  readonly given?: (ask: Ask, home: string) => Promise<Values>;
  readonly path: string | ((given: Values) => string);
  readonly body?: unknown | ((given: Values) => unknown);
  readonly headers?: Record<string, string> | ((given: Values) => Record<string, string>);
  /** null sends no token. */
  readonly token?: null;
  readonly status: number;
  /** What the change's event says; `answer` is the answer of the call. */
  readonly oldValues: (given: Values, answer: Values) => Values | null;
  readonly newValues: (given: Values, answer: Values) => Values | null;
}

/** The call of `example`. */
export function requestOf(example: Example, given: Values): AskOptions & { readonly path: string } {
  const filled = <T>(part: T | ((given: Values) => T)) =>
    typeof part === "function" ? (part as (given: Values) => T)(given) : part;
  return {
    path: filled(example.path),
    body: filled(example.body),
    headers: filled(example.headers ?? {}),
    ...(example.token === null ? { token: null } : {}),
  };
}

/** Makes an entity, and answers with it. */
export async function make(ask: Ask, path: string, body: Values): Promise<Values> {
  const { status, json, text } = await ask(path, { method: "POST", body });
  if (status !== 201 && status !== 200) throw new Error(`${path}: ${status} ${text}`);
  return json as Values;
}

let made = 0;
/** A name that no other example has. */
export const fresh = (what: string) => `${what} ${++made}`;

/** Stands for a value that cannot be known, such as a time: any that is not null. */
export const ANY = "(any)";

const KEY = (ask: Ask) => make(ask, "/admin/api-keys", { name: fresh("key") });

const PASSWORD = "correct horse battery";
const USER = (ask: Ask) =>
  make(ask, "/admin/users", { name: fresh("user"), role: "viewer", password: PASSWORD });
const TOKEN = (ask: Ask) => make(ask, "/admin/tokens", { name: fresh("token"), role: "viewer" });

async function loggedIn(ask: Ask): Promise<Values> {
  const user = await USER(ask);
  const { headers } = await ask("/auth/login", {
    method: "POST",
    token: null,
    body: { name: user.name, password: PASSWORD },
  });
  return { ...user, cookie: String(headers["set-cookie"]).split(";", 1)[0] };
}

/** API keys have two paths. */
const keyExamples = (at: string): Record<string, Example> => ({
  [`POST ${at}`]: {
    path: at,
    body: { name: "ci", models: ["gpt-*", "demo"], expires_at: "2199-01-31T00:00:00Z" },
    status: 201,
    oldValues: () => null,
    newValues: () => ({
      name: "ci",
      user_id: null,
      models: ["gpt-*", "demo"],
      expires_at: Date.UTC(2199, 0, 31),
      secret_stored: true,
    }),
  },
  [`POST ${at}/:id/rotate`]: {
    given: KEY,
    path: ({ id }) => `${at}/${id}/rotate`,
    body: { overlap_seconds: 60 },
    status: 200,
    oldValues: ({ prefix }) => ({ prefix, old_secret_valid_until: null }),
    newValues: (_, { prefix }) => ({ prefix, old_secret_valid_until: ANY }),
  },
  [`DELETE ${at}/:id`]: {
    given: KEY,
    path: ({ id }) => `${at}/${id}`,
    status: 204,
    oldValues: () => ({ revoked_at: null }),
    newValues: () => ({ revoked_at: ANY }),
  },
});

/** `METHOD path` of the route → its example. */
export const EXAMPLES: Readonly<Record<string, Example>> = {
  ...MCP_EXAMPLES,
  ...PROVIDER_EXAMPLES,
  ...MONEY_EXAMPLES,
  ...POLICY_EXAMPLES,
  ...EVIDENCE_EXAMPLES,
  ...SCHEDULE_EXAMPLES,
  ...VIEW_EXAMPLES,
  "POST /auth/login": {
    given: USER,
    path: "/auth/login",
    token: null,
    body: ({ name }: Values) => ({ name, password: PASSWORD }),
    status: 200,
    oldValues: () => null,
    newValues: ({ id }) => ({ user_id: id, expires_at: ANY, secret_stored: true }),
  },
  "POST /auth/login/token": {
    given: TOKEN,
    path: "/auth/login/token",
    token: null,
    body: ({ secret }: Values) => ({ token: secret }),
    status: 200,
    oldValues: () => null,
    newValues: () => ({ user_id: null, expires_at: ANY, secret_stored: true }),
  },
  "POST /auth/logout": {
    given: loggedIn,
    path: "/auth/logout",
    token: null,
    headers: ({ cookie }) => ({ cookie: String(cookie), "sec-fetch-site": "same-origin" }),
    status: 204,
    oldValues: ({ id }) => ({ user_id: id, expires_at: ANY, secret_stored: true }),
    newValues: () => null,
  },
  "POST /admin/users": {
    path: "/admin/users",
    body: { name: "ann", role: "auditor", password: PASSWORD },
    status: 201,
    oldValues: () => null,
    newValues: () => ({ name: "ann", role: "auditor", password_stored: true, disabled_at: null }),
  },
  "PATCH /admin/users/:id": {
    given: USER,
    path: ({ id }) => `/admin/users/${id}`,
    body: { role: "admin", password: "another horse battery", disabled: true },
    status: 200,
    oldValues: () => ({ role: "viewer", disabled_at: null, password_changed: false }),
    newValues: () => ({ role: "admin", disabled_at: ANY, password_changed: true }),
  },
  "DELETE /admin/users/:id": {
    given: USER,
    path: ({ id }) => `/admin/users/${id}`,
    body: { justification: "left" },
    status: 204,
    oldValues: ({ name }) => ({ name, role: "viewer", password_stored: true, disabled_at: null }),
    newValues: () => null,
  },
  "POST /admin/tokens": {
    given: USER,
    path: "/admin/tokens",
    body: ({ id }: Values) => ({ name: "reader", role: "admin", scopes: ["audit:read"], user_id: id }),
    status: 201,
    oldValues: () => null,
    newValues: ({ id }) => ({
      name: "reader",
      role: "admin",
      scopes: ["audit:read"],
      user_id: id,
      expires_at: null,
      secret_stored: true,
    }),
  },
  "DELETE /admin/tokens/:id": {
    given: TOKEN,
    path: ({ id }) => `/admin/tokens/${id}`,
    status: 204,
    oldValues: () => ({ revoked_at: null }),
    newValues: () => ({ revoked_at: ANY }),
  },
  ...keyExamples("/admin/api-keys"),
  ...keyExamples("/api-keys"),
};
