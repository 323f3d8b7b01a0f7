// What is asked of policies before anything is sent, and what they say. The gateway only asks; the rules live elsewhere
// and are handed in. Synchronous, from memory, in bounded time.
import type { Facts } from "../event/fields.ts";

export interface Rulings {
  /** Never throws: what cannot be decided is denied. `spent`: of the request, where it asks for more than one call. */
  decide(question: RulingQuestion, spent?: Spent): Ruling;
}

/** What judging has cost so far: who asks for many things at once has no more of it. */
export interface Spent {
  units: number;
}

/** Never content, but for the arguments of an MCP call, which are looked at and not kept. */
export interface RulingQuestion {
  readonly kind: "inference" | "mcp";
  readonly action: string;
  /** Tool, resource (as asked for) or prompt. */
  readonly name: string | null;
  /** MCP server. */
  readonly server: string | null;
  readonly model: string | null;
  readonly route: string | null;
  readonly userId: string | null;
  readonly apiKeyId: string | null;
  readonly profile: string | null;
  readonly caller: string;
  /** Bytes of the body. */
  readonly requestSize: number;
  /** null: the request sets no limit. */
  readonly maxTokens: number | null;
  readonly streaming: boolean;
  /** Tools offered to the model. */
  readonly toolCount: number;
  /** Of an MCP call, as parsed from JSON; undefined: there are none. */
  readonly arguments: unknown;
}

export interface Ruling {
  /** `n/a`: no policy matched. */
  readonly decision: "n/a" | "allow" | "warn" | "deny";
  /** A sentence of the operator's or of Daybook's own, never a value of the request. */
  readonly reason: string | null;
  /** Names of the policies that matched, in their order. */
  readonly policies: readonly string[];
}

/** What an event says of a ruling. */
export function rulingFacts({ decision, reason, policies }: Ruling): Facts {
  return { policyDecision: decision, policyReason: reason, policies };
}

/** What is said where no policy matches. */
export const UNRULED: Ruling = Object.freeze({ decision: "n/a", reason: null, policies: [] });
