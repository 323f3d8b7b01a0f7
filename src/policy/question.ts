// What policies are asked, and what they answer. The gateway's own words for the same are in gateway/rulings.ts, which
// this room does not import.

export interface Question {
  readonly kind: "inference" | "mcp";
  readonly action: string;
  readonly name: string | null;
  readonly server: string | null;
  readonly model: string | null;
  readonly route: string | null;
  readonly userId: string | null;
  readonly apiKeyId: string | null;
  readonly profile: string | null;
  readonly caller: string;
  readonly requestSize: number;
  readonly maxTokens: number | null;
  readonly streaming: boolean;
  readonly toolCount: number;
  readonly arguments: unknown;
}

export type Decision = "n/a" | "allow" | "warn" | "deny";

export interface Answer {
  readonly decision: Decision;
  readonly reason: string | null;
  /** Names of the policies that matched, in their order; the last may be `+N` for N more. */
  readonly policies: readonly string[];
}
