// What policies would have said of requests that the trail remembers, beside what was said.
import type { AuditEvent } from "../event/fields.ts";
import type { Policy } from "./policy.ts";
import { answerOf, type PolicySet, undecided } from "./policy-set.ts";
import type { Answer, Decision } from "./question.ts";
import { remembered, UNKNOWN_CODES } from "./remembered.ts";

/** `unknown`: it hangs on what the trail does not keep. */
export type Hindsight = Omit<Answer, "decision"> & { readonly decision: Decision | "unknown" };

export interface Change {
  readonly event: AuditEvent;
  readonly would: Hindsight;
}

export interface DryRunTotals {
  /** Events that policies are asked of. */
  judged: number;
  /** Refused before policies are asked, or of a kind that they are not asked of. */
  notAsked: number;
  unchanged: number;
  changed: number;
  unknown: number;
  readonly transitions: { readonly was: Decision; readonly wouldBe: Hindsight["decision"]; count: number }[];
  /** The first of those that change. */
  readonly examples: Change[];
}

const MAX_EXAMPLES = 50;

export class DryRun {
  readonly totals: DryRunTotals = {
    judged: 0,
    notAsked: 0,
    unchanged: 0,
    changed: 0,
    unknown: 0,
    transitions: [],
    examples: [],
  };
  readonly #set: PolicySet;

  constructor(set: PolicySet) {
    this.#set = set;
  }

  add(event: AuditEvent): void {
    const { totals } = this;
    const would = hindsight(this.#set, event);
    if (would === null) {
      totals.notAsked++;
      return;
    }
    totals.judged++;
    const { decision: wouldBe } = would;
    const was = event.policy_decision as Decision;
    if (wouldBe === was) {
      totals.unchanged++;
      return;
    }
    totals[wouldBe === "unknown" ? "unknown" : "changed"]++;
    this.#count(was, wouldBe);
    if (wouldBe !== "unknown" && totals.examples.length < MAX_EXAMPLES)
      totals.examples.push({ event, would });
  }

  #count(was: Decision, wouldBe: Hindsight["decision"]): void {
    const { transitions } = this.totals;
    const known = transitions.find((each) => each.was === was && each.wouldBe === wouldBe);
    if (known === undefined) transitions.push({ was, wouldBe, count: 1 });
    else known.count++;
  }
}

/** null: policies were not asked of it. */
export function hindsight(set: PolicySet, event: AuditEvent): Hindsight | null {
  const again = remembered(event);
  if (again === null) return null;
  const holding: Policy[] = [];
  const open: Policy[] = [];
  for (const { policy, verdict } of set.verdicts(again.question, again.values)) {
    if ("holds" in verdict) {
      if (verdict.holds) holding.push(policy);
    } else if (UNKNOWN_CODES.has(verdict.failed)) open.push(policy);
    else return undecided(holding, policy, verdict.failed);
  }
  const answer = answerOf(holding);
  // Any of them might have failed, and so denied.
  if (open.length === 0 || answer.decision === "deny") return answer;
  return { decision: "unknown", reason: null, policies: open.map(({ name }) => name) };
}
