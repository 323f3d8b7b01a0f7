// The wire formats that Daybook serves, by the path of their endpoint.
import { ANTHROPIC_COUNT_TOKENS, ANTHROPIC_MESSAGES } from "./anthropic-messages.ts";
import { OPENAI_CHAT, OPENAI_COMPLETIONS } from "./openai-completions.ts";
import { OPENAI_EMBEDDINGS } from "./openai-embeddings.ts";
import { OPENAI_RESPONSES } from "./openai-responses.ts";
import type { Protocol } from "./protocol.ts";

const ALL: readonly Protocol[] = [
  OPENAI_CHAT,
  OPENAI_COMPLETIONS,
  OPENAI_EMBEDDINGS,
  OPENAI_RESPONSES,
  ANTHROPIC_MESSAGES,
  ANTHROPIC_COUNT_TOKENS,
];

export const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map(
  ALL.map((protocol) => [protocol.endpoint, protocol]),
);
