// The wire formats that Daybook serves, by the path of their endpoint.
import { OPENAI_CHAT, OPENAI_COMPLETIONS } from "./openai-completions.ts";
import type { Protocol } from "./protocol.ts";

export const PROTOCOLS: ReadonlyMap<string, Protocol> = new Map(
  [OPENAI_CHAT, OPENAI_COMPLETIONS].map((protocol) => [protocol.endpoint, protocol]),
);
