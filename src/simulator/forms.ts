// The endpoints that the simulated provider serves, by path.
import { COUNT_TOKENS, MESSAGES } from "./anthropic-messages.ts";
import type { Form } from "./form.ts";
import { CHAT, COMPLETIONS } from "./openai-completions.ts";
import { EMBEDDINGS } from "./openai-embeddings.ts";
import { RESPONSES } from "./openai-responses.ts";

export const FORMS: ReadonlyMap<string, Form> = new Map([
  ["/v1/chat/completions", CHAT],
  ["/v1/completions", COMPLETIONS],
  ["/v1/embeddings", EMBEDDINGS],
  ["/v1/responses", RESPONSES],
  ["/v1/messages", MESSAGES],
  ["/v1/messages/count_tokens", COUNT_TOKENS],
]);
