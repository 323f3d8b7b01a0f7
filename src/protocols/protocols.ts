// The wire formats that Daybook serves, by the path of their endpoint.
import { ANTHROPIC_COUNT_TOKENS, ANTHROPIC_MESSAGES } from "./anthropic-messages.ts";
import { OPENAI_CHAT, OPENAI_COMPLETIONS } from "./openai-completions.ts";
import type { Protocol } from "./protocol.ts";

export const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map(
  [OPENAI_CHAT, OPENAI_COMPLETIONS, ANTHROPIC_MESSAGES, ANTHROPIC_COUNT_TOKENS].map((protocol) => [
    protocol.endpoint,
    protocol,
  ]),
);
