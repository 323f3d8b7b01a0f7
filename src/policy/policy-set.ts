// All policies together: what they say of a question, in memory and in bounded time. The first that denies ends it;
// what cannot be told is denied, and the answer says so.
import { type Condition, Conditions, codeOf } from "./conditions.ts";
import { PolicyIndex } from "./index-of-policies.ts";
import type { Meter } from "./meter.ts";
import type { Effect, Policy } from "./policy.ts";
import type { Answer, Question } from "./question.ts";
import { Values } from "./variables.ts";

interface Rule {
  readonly policy: Policy;
  /** null: it always holds; a sentence: it cannot be used. */
  readonly condition: Condition | string | null;
}

/** What one policy says. */
export type Verdict = { readonly holds: boolean } | { readonly failed: string };

const UNRULED: Answer = Object.freeze({ decision: "n/a", reason: null, policies: [] });
/** Characters of a name that is judged: far more than a model, a tool or an address has. */
const MAX_NAME = 8192;
/** What fits into an event. */
const MAX_NAMES = 48;

export class PolicySet {
  readonly #conditions: Conditions;
  readonly #rules: readonly Rule[];
  readonly #index: PolicyIndex;

  /** In order. */
  constructor(policies: readonly Policy[], conditions: Conditions = new Conditions()) {
    this.#conditions = conditions;
    this.#rules = policies.map((policy) => ({
      policy,
      condition: policy.when === null ? null : conditions.compile(policy.when),
    }));
    this.#index = new PolicyIndex(policies);
  }

  get size(): number {
    return this.#rules.length;
  }

  /** Never throws. `spent` is what others of the same request have cost, and then with this one. */
  decide(question: Question, spent?: { units: number }): Answer {
    if (this.#rules.length === 0) return UNRULED;
    if (isLong(question.name) || isLong(question.model)) return TOO_LONG;
    const positions = this.#index.find(question);
    if (positions.length === 0) return UNRULED;
    const { meter } = this.#conditions;
    meter.start(question.requestSize, spent?.units);
    try {
      return this.#decide(positions, new Values(question, meter));
    } finally {
      if (spent !== undefined) spent.units = meter.spent;
    }
  }

  #decide(positions: readonly number[], values: Values): Answer {
    const holding: Policy[] = [];
    for (const position of positions) {
      const { policy, condition } = this.#rules[position] as Rule;
      const verdict = this.#judge(condition, values);
      if ("failed" in verdict) return undecided(holding, policy, verdict.failed);
      if (!verdict.holds) continue;
      holding.push(policy);
      if (policy.effect === "deny") break;
    }
    return answerOf(holding);
  }

  /** What each policy that is about `question` says, in order, up to the first that denies. */
  *verdicts(
    question: Question,
    valuesFor: (meter: Meter) => Values,
  ): Generator<{ policy: Policy; verdict: Verdict }> {
    const { meter } = this.#conditions;
    meter.start(question.requestSize);
    const values = valuesFor(meter);
    for (const position of this.#index.find(question)) {
      const { policy, condition } = this.#rules[position] as Rule;
      const verdict = this.#judge(condition, values);
      yield { policy, verdict };
      if ("holds" in verdict && verdict.holds && policy.effect === "deny") return;
    }
  }

  #judge(condition: Rule["condition"], values: Values): Verdict {
    if (condition === null) return HOLDS;
    if (typeof condition === "string") return { failed: "not_usable" };
    try {
      return { holds: condition.holds(values) };
    } catch (error) {
      return { failed: codeOf(error) };
    }
  }
}

function isLong(name: string | null): boolean {
  return name !== null && name.length > MAX_NAME;
}

const TOO_LONG: Answer = Object.freeze({
  decision: "deny",
  reason: "The name of what is asked for is too long for policies to judge.",
  policies: [],
});
const HOLDS: Verdict = { holds: true };
const STRENGTH: readonly Effect[] = ["deny", "warn", "allow"];

/** What follows when these hold. */
export function answerOf(holding: readonly Policy[]): Answer {
  for (const effect of STRENGTH) {
    const decisive = holding.find((policy) => policy.effect === effect);
    if (decisive !== undefined)
      return { decision: effect, reason: reasonOf(decisive), policies: namesOf(holding) };
  }
  return UNRULED;
}

/** What follows when one cannot be told. */
export function undecided(holding: readonly Policy[], policy: Policy, code: string): Answer {
  const reason = `Policy ${policy.name} could not be decided (${code}); what cannot be decided is denied.`;
  return { decision: "deny", reason, policies: namesOf([...holding, policy]) };
}

function reasonOf({ name, effect, reason }: Policy): string | null {
  if (reason !== null || effect === "allow") return reason;
  return effect === "deny" ? `Policy ${name} denies this.` : `Policy ${name} warns of this.`;
}

/** The last always stands: it may be the one that denied. */
function namesOf(policies: readonly Policy[]): string[] {
  const names = policies.map(({ name }) => name);
  if (names.length <= MAX_NAMES) return names;
  const left = names.length - MAX_NAMES;
  return [...names.slice(0, MAX_NAMES - 1), names.at(-1) as string, `+${left}`];
}
