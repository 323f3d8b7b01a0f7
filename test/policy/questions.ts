// Questions and policies for tests.
import { completePolicy, type Policy, type PolicyInput, policySchema } from "../../src/policy/policy.ts";
import type { Question } from "../../src/policy/question.ts";

export const NOTHING: Question = {
  kind: "inference",
  action: "chat",
  name: null,
  server: null,
  model: null,
  route: null,
  userId: null,
  apiKeyId: null,
  profile: null,
  caller: "http",
  requestSize: 0,
  maxTokens: null,
  streaming: false,
  toolCount: 0,
  arguments: undefined,
};

export function toolCall(name: string, given: unknown = {}, more: Partial<Question> = {}): Question {
  return { ...NOTHING, kind: "mcp", action: "tool", name, server: "files", arguments: given, ...more };
}

export function policy(name: string, given: Omit<PolicyInput, "name">): Policy {
  return completePolicy(policySchema.parse({ name, ...given }), { id: null, source: "file" });
}
