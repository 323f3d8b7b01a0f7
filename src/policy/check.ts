// Whether a policy can be used, before it is: what its schema cannot say.
import type { Conditions } from "./conditions.ts";
import { type Policy, specOf } from "./policy.ts";

/** UTF-8 bytes of a policy as JSON: its change must fit into an event. */
const MAX_BYTES = 6000;

export interface PolicyProblem {
  readonly option: "match" | "when";
  readonly sentence: string;
}

/** What is wrong with it; null: nothing. */
export function policyProblem(policy: Policy, conditions: Conditions): PolicyProblem | null {
  if (new TextEncoder().encode(JSON.stringify(specOf(policy))).length > MAX_BYTES)
    return { option: "match", sentence: `a policy has at most ${MAX_BYTES} bytes: make two of it` };
  if (policy.when === null) return null;
  const condition = conditions.compile(policy.when);
  if (typeof condition === "string") return { option: "when", sentence: condition };
  const { kind = [] } = policy.match;
  if (condition.readsArguments && !(kind.length === 1 && kind[0] === "mcp"))
    return { option: "when", sentence: "only calls of MCP have arguments: match kind: mcp" };
  return null;
}
