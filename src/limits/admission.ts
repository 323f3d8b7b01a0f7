// Whether a request may go upstream, by the limits of its key and user and by the user's credit, and what it has cost
// when it is over. Synchronous and from memory. What it asks and answers is the gateway's Admission, which this room
// does not import.
import type { Facts } from "../event/fields.ts";
import { costMicros, type Price, type Tokens, totalTokens } from "../event/price.ts";
import type { Ledger } from "./ledger.ts";
import type { Claim, Limiter, Obstacle } from "./limiter.ts";
import { codeOf, LIMITS } from "./limits.ts";
import { rateHeaders } from "./rate-headers.ts";
import type { Subject } from "./subject.ts";

export interface Ask {
  readonly eventId: string;
  readonly keyId: string;
  readonly userId: string | null;
  readonly action: string;
  readonly price: Price | null;
  readonly requestBytes: number;
  readonly maxTokens: number | null;
}

export interface Refused {
  readonly ok: false;
  readonly code: "limit_exceeded" | "quota_exceeded" | "insufficient_credit";
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly errorType: string;
  readonly facts: Facts;
}

export interface Let {
  readonly ok: true;
  readonly headers: Readonly<Record<string, string>>;
  settle(end: { readonly usage: Tokens | null; readonly charged: boolean }): Facts;
}

export interface AdmissionOptions {
  readonly limiter: Limiter;
  readonly ledger: Ledger;
  /** UTC ms. */
  readonly clock: () => number;
  /** Completion tokens that a request is taken to need at most when it does not say. */
  readonly assumedTokens: () => number;
}

const BYTES_PER_TOKEN = 4;
/** More than any answer has, or costs; so little that the sum over all requests that can run is exact. */
const MOST_HELD = 100_000_000_000;
const NOTHING: Facts = {};
/** Endpoints whose answers have no completion. */
const WITHOUT_COMPLETION: ReadonlySet<string> = new Set(["embedding", "count_tokens"]);
/** Endpoints that no provider charges for. */
const FREE: ReadonlySet<string> = new Set(["count_tokens"]);

export class LimitsAdmission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  admit(ask: Ask): Let | Refused {
    const { limiter, ledger, clock, assumedTokens } = this.#options;
    const now = clock();
    const claim = claimOf(ask, assumedTokens());
    const subjects = limiter.subjectsOf(ask);
    const obstacle = limiter.obstacle(subjects, claim, now);
    if (obstacle !== null) return overLimit(obstacle, subjects, now);
    if (ledger.isShort(ask.userId, claim.costMicros)) return short(ask, rateHeaders(subjects, now));
    limiter.begin(subjects, claim, now);
    if (ask.userId !== null && claim.costMicros > 0) ledger.hold(ask.userId, claim.costMicros);
    return new Lease(this.#options, ask, claim, subjects, rateHeaders(subjects, now));
  }
}

/** What an admitted request holds until it is over. */
class Lease implements Let {
  readonly ok = true;
  readonly headers: Readonly<Record<string, string>>;
  readonly #options: AdmissionOptions;
  readonly #ask: Ask;
  readonly #claim: Claim;
  readonly #subjects: readonly Subject[];
  #settled: Facts | null = null;

  constructor(
    options: AdmissionOptions,
    ask: Ask,
    claim: Claim,
    subjects: readonly Subject[],
    headers: Readonly<Record<string, string>>,
  ) {
    this.#options = options;
    this.#ask = ask;
    this.#claim = claim;
    this.#subjects = subjects;
    this.headers = headers;
  }

  settle({ usage, charged }: { readonly usage: Tokens | null; readonly charged: boolean }): Facts {
    if (this.#settled !== null) return this.#settled;
    const { limiter, ledger, clock } = this.#options;
    const { eventId, userId } = this.#ask;
    const price = priceOf(this.#ask);
    const cost = charged && usage !== null && price !== null ? costMicros(price, usage) : null;
    const used = { tokens: usage === null ? 0 : totalTokens(usage), costMicros: cost ?? 0 };
    limiter.end(this.#subjects, this.#claim, used, clock());
    if (userId !== null) ledger.settle(userId, this.#claim.costMicros, eventId, used.costMicros);
    this.#settled = cost === null ? NOTHING : { costMicros: cost };
    return this.#settled;
  }
}

function priceOf({ price, action }: Ask): Price | null {
  return FREE.has(action) ? null : price;
}

/**
 * The most that a request may come to: its prompt at a token for four bytes of its body, none of it from a cache, and
 * all the tokens that its answer may have.
 */
function claimOf(ask: Ask, assumedTokens: number): Claim {
  const { keyId, userId, action, requestBytes, maxTokens } = ask;
  const promptTokens = Math.ceil(requestBytes / BYTES_PER_TOKEN);
  const completionTokens = WITHOUT_COMPLETION.has(action) ? 0 : (maxTokens ?? assumedTokens);
  const most = needOf(ask, promptTokens, completionTokens);
  // An answer whose length nobody has said is no reason to refuse it while there is anything left.
  const least = maxTokens === null ? needOf(ask, promptTokens, 0) : most;
  return { keyId, userId, tokens: most.tokens, costMicros: most.costMicros, least };
}

function needOf(ask: Ask, promptTokens: number, completionTokens: number) {
  const price = priceOf(ask);
  const total = Math.min(promptTokens + completionTokens, MOST_HELD);
  if (price === null) return { tokens: total, costMicros: 0 };
  const promptMicros = Math.max(price.promptMicros, price.cachedPromptMicros);
  const tokens = { promptTokens, completionTokens, totalTokens: null, cachedTokens: null };
  return {
    tokens: total,
    costMicros: Math.min(costMicros({ ...price, promptMicros }, tokens), MOST_HELD),
  };
}

function overLimit(
  { subject, name, limit, waitMs }: Obstacle,
  subjects: readonly Subject[],
  now: number,
): Refused {
  const code = codeOf(name);
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  const who = subject.type === "api_key" ? "key" : "user";
  const { about } = LIMITS[name];
  return {
    ok: false,
    code,
    message: `This ${who}'s limit ${name} of ${limit} is reached (${about.slice(0, -1).toLowerCase()}). Try again in ${seconds} s.`,
    headers: {
      ...rateHeaders(subjects, now),
      "retry-after": String(seconds),
      // OpenAI's clients would try again before the day or month is over.
      ...(code === "quota_exceeded" ? { "x-should-retry": "false" } : {}),
    },
    errorType: name,
    facts: { quotaViolation: `${who}_${name}` },
  };
}

function short({ userId }: Ask, headers: Readonly<Record<string, string>>): Refused {
  const message =
    userId === null
      ? "This key has no user, and so no credit."
      : "The user's credit does not cover what the request may cost at most. Ask for fewer tokens (max_tokens), or for more credit.";
  return {
    ok: false,
    code: "insufficient_credit",
    message,
    headers,
    errorType: userId === null ? "no_account" : "insufficient_credit",
    facts: { quotaViolation: "credit" },
  };
}
