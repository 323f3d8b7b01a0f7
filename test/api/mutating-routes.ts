// One example call for every route that changes something. A route without one fails mutating-routes.test.ts.
import type { Asked, AskOptions } from "../support/daybook.ts";

type Ask = (path: string, options?: AskOptions) => Promise<Asked>;
type Values = Readonly<Record<string, unknown>>;

export interface Example {
  /** What must be there before, made through the API; its answer goes to `path`, `body` and the values. */
  readonly given?: (ask: Ask) => Promise<Values>;
  readonly path: string | ((given: Values) => string);
  readonly body?: unknown | ((given: Values) => unknown);
  readonly headers?: Record<string, string> | ((given: Values) => Record<string, string>);
  /** null sends no token. */
  readonly token?: null;
  readonly status: number;
  /** What the change's event says; `answer` is the answer of the call. Names of values in `anyOf` may be anything. */
  readonly oldValues: (given: Values, answer: Values) => Values | null;
  readonly newValues: (given: Values, answer: Values) => Values | null;
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

/** `METHOD path` of the route → its example. */
export const EXAMPLES: Readonly<Record<string, Example>> = {
  "POST /admin/api-keys": {
    path: "/admin/api-keys",
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
  "POST /admin/api-keys/:id/rotate": {
    given: KEY,
    path: ({ id }) => `/admin/api-keys/${id}/rotate`,
    body: { overlap_seconds: 60 },
    status: 200,
    oldValues: ({ prefix }) => ({ prefix, old_secret_valid_until: null }),
    newValues: (_, { prefix }) => ({ prefix, old_secret_valid_until: ANY }),
  },
  "DELETE /admin/api-keys/:id": {
    given: KEY,
    path: ({ id }) => `/admin/api-keys/${id}`,
    status: 204,
    oldValues: () => ({ revoked_at: null }),
    newValues: () => ({ revoked_at: ANY }),
  },
};
