// The limits that a key or a user can have: names, what each counts and over which time. Configuration, API, control
// and the events that tell of a limit all use these names.
import * as z from "zod";

interface LimitSpec {
  readonly of: "requests" | "tokens" | "cost";
  readonly per: "minute" | "day" | "month" | "moment";
  readonly about: string;
}

// biome-ignore format: one limit, one line
export const LIMITS = {
  concurrent_requests: { of: "requests", per: "moment", about: "Requests that run at the same time." },
  requests_per_minute: { of: "requests", per: "minute", about: "Requests within any sixty seconds." },
  tokens_per_minute: { of: "tokens", per: "minute", about: "Tokens, in and out, within any sixty seconds." },
  tokens_per_day: { of: "tokens", per: "day", about: "Tokens, in and out, of a day (UTC)." },
  tokens_per_month: { of: "tokens", per: "month", about: "Tokens, in and out, of a calendar month (UTC)." },
  cost_micros_per_day: { of: "cost", per: "day", about: "Cost of a day (UTC), in millionths of a USD." },
  cost_micros_per_month: { of: "cost", per: "month", about: "Cost of a calendar month (UTC), in millionths of a USD." },
} as const satisfies Record<string, LimitSpec>;

export type LimitName = keyof typeof LIMITS;

export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[];

/** Who has limits: an API key, or a user over all keys. */
export const SUBJECT_TYPES = ["api_key", "user"] as const;
export type SubjectType = (typeof SUBJECT_TYPES)[number];

/** null: no limit. */
export type Limits = { readonly [Name in LimitName]: number | null };

/** What counts against each limit. */
export type Uses = { readonly [Name in LimitName]: number };

/** What is set for one subject; a limit that is not named is as the configuration has it for all. */
export type OwnLimits = { readonly [Name in LimitName]?: number | null | undefined };

/** For all keys, and for all users. */
export type DefaultLimits = { readonly [Type in SubjectType]: Limits };

const NO_LIMITS = Object.fromEntries(LIMIT_NAMES.map((name) => [name, null])) as Limits;

export const NO_DEFAULTS: DefaultLimits = { api_key: NO_LIMITS, user: NO_LIMITS };

export function withDefaults(own: OwnLimits, defaults: Limits = NO_LIMITS): Limits {
  return Object.fromEntries(
    LIMIT_NAMES.map((name) => {
      const value = own[name];
      return [name, value === undefined ? defaults[name] : value];
    }),
  ) as Limits;
}

/** Limits of days and months. */
export const BUDGETS = LIMIT_NAMES.filter((name) => isBudget(name));

function isBudget(name: LimitName): boolean {
  const { per } = LIMITS[name];
  return per === "day" || per === "month";
}

/** What a request that a limit stands against is answered with. */
export function codeOf(name: LimitName): "limit_exceeded" | "quota_exceeded" {
  return isBudget(name) ? "quota_exceeded" : "limit_exceeded";
}

const EXPECTED = `expected an integer from 0 to ${Number.MAX_SAFE_INTEGER}`;

const value = (name: LimitName) =>
  z.int({ error: EXPECTED }).min(0, { error: EXPECTED }).describe(LIMITS[name].about);

function schemaOf<Value extends z.ZodType>(of: (name: LimitName) => Value) {
  const shape = Object.fromEntries(LIMIT_NAMES.map((name) => [name, of(name)]));
  return z.strictObject(shape as { [Name in LimitName]: Value });
}

/** Limits for all, as the configuration has them. */
export const limitsSchema = schemaOf((name) => value(name).optional());

/** Limits of one key or user: null sets that there is none. */
export const ownLimitsSchema = schemaOf((name) => value(name).nullable().optional());
