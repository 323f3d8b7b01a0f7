// Examples of the routes that change limits and credit.
import { ANY, type Example, fresh, make } from "./mutating-routes.ts";

type Ask = Parameters<NonNullable<Example["given"]>>[0];

const USER = (ask: Ask) => make(ask, "/admin/users", { name: fresh("payer"), role: "viewer" });
const KEY = (ask: Ask) => make(ask, "/admin/api-keys", { name: fresh("limited key") });

async function granted(ask: Ask) {
  const user = await USER(ask);
  const grant = { amount_microcredits: 700, reason: "a start" };
  const entry = await make(ask, `/admin/users/${user.id}/credits/grant`, grant);
  return { ...user, entry_id: entry.id };
}

const limited = (owner: (ask: Ask) => ReturnType<typeof make>, path: string) => async (ask: Ask) => {
  const subject = await owner(ask);
  await ask(`${path}/${subject.id}/limits`, {
    method: "PUT",
    body: { requests_per_minute: 5, tokens_per_day: null },
  });
  return subject;
};

function limitExamples(path: string, owner: (ask: Ask) => ReturnType<typeof make>): Record<string, Example> {
  return {
    [`PUT ${path}/:id/limits`]: {
      given: limited(owner, path),
      path: ({ id }) => `${path}/${id}/limits`,
      body: { requests_per_minute: 9, cost_micros_per_month: 1_000_000, justification: "a new plan" },
      status: 200,
      oldValues: () => ({ requests_per_minute: 5, tokens_per_day: "none", cost_micros_per_month: "default" }),
      newValues: () => ({
        requests_per_minute: 9,
        tokens_per_day: "default",
        cost_micros_per_month: 1_000_000,
      }),
    },
    [`DELETE ${path}/:id/limits`]: {
      given: limited(owner, path),
      path: ({ id }) => `${path}/${id}/limits`,
      status: 204,
      oldValues: () => ({ requests_per_minute: 5, tokens_per_day: "none" }),
      newValues: () => ({ requests_per_minute: "default", tokens_per_day: "default" }),
    },
  };
}

export const MONEY_EXAMPLES: Readonly<Record<string, Example>> = {
  ...limitExamples("/admin/api-keys", KEY),
  ...limitExamples("/admin/users", USER),
  "POST /admin/users/:id/credits/grant": {
    given: granted,
    path: ({ id }) => `/admin/users/${id}/credits/grant`,
    body: { amount_microcredits: 5_000_000, reason: "the month of May" },
    status: 201,
    oldValues: () => ({ granted_microcredits: 700 }),
    newValues: (_, { id }) => ({
      granted_microcredits: 5_000_700,
      amount_microcredits: 5_000_000,
      reason: "the month of May",
      entry_id: id ?? ANY,
    }),
  },
  "POST /admin/users/:id/credits/adjust": {
    given: USER,
    path: ({ id }) => `/admin/users/${id}/credits/adjust`,
    body: { amount_microcredits: -250, reason: "counted twice" },
    status: 201,
    oldValues: () => ({ granted_microcredits: 0 }),
    newValues: (_, { id }) => ({
      granted_microcredits: -250,
      amount_microcredits: -250,
      reason: "counted twice",
      entry_id: id ?? ANY,
    }),
  },
  "POST /admin/users/:id/credits/entries/:entry_id/reverse": {
    given: granted,
    path: ({ id, entry_id }) => `/admin/users/${id}/credits/entries/${entry_id}/reverse`,
    body: { reason: "the wrong user" },
    status: 201,
    oldValues: () => ({ granted_microcredits: 700 }),
    newValues: ({ entry_id }, { id }) => ({
      granted_microcredits: 0,
      amount_microcredits: -700,
      reason: "the wrong user",
      entry_id: id ?? ANY,
      reverses: entry_id,
    }),
  },
};
