// Reads what the simulated provider needs of a chat completions request, and refuses what OpenAI would refuse.
// The messages are only measured; nothing of them is kept.
import { type Directives, isRecord, parseDirectives, Refusal } from "./directives.ts";

export interface ChatRequest {
  readonly model: string;
  readonly streaming: boolean;
  /** The client asked for usage in the stream. */
  readonly includeUsage: boolean;
  /** ⌈bytes of the messages' contents / 4⌉. */
  readonly promptTokens: number;
  /** The client's limit on completion tokens. */
  readonly maxTokens: number | null;
  /** The client wants JSON text. */
  readonly json: boolean;
  /** The function to call, or null to answer in words. */
  readonly tool: string | null;
  /** The simulator's own, overlaid with the request's. */
  readonly directives: Directives;
}

/** Parses a request body; throws a Refusal for a bad one. */
export function parseChatRequest(body: Buffer, defaults: Directives): ChatRequest {
  const value = parseJson(body);
  if (!isRecord(value)) throw new Refusal("The request body must be a JSON object.");
  const { model, messages, stream, stream_options: streamOptions, n } = value;
  if (typeof model !== "string" || model === "")
    throw new Refusal("model must be a string.", { param: "model" });
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new Refusal("messages must be an array of at least one message.", { param: "messages" });
  }
  if (stream !== undefined && stream !== null && typeof stream !== "boolean") {
    throw new Refusal("stream must be true or false.", { param: "stream" });
  }
  if (streamOptions !== undefined && streamOptions !== null && stream !== true) {
    throw new Refusal("stream_options is only allowed when stream is true.", { param: "stream_options" });
  }
  if (n !== undefined && n !== null && n !== 1) {
    throw new Refusal("n must be 1: the simulated provider gives one choice.", { param: "n" });
  }
  const directives = { ...defaults, ...parseDirectives(value.simulate) };
  return {
    model,
    streaming: stream === true,
    includeUsage: isRecord(streamOptions) && streamOptions.include_usage === true,
    promptTokens: Math.ceil(contentBytes(messages) / 4),
    maxTokens: tokenLimit(value, "max_completion_tokens") ?? tokenLimit(value, "max_tokens"),
    json: wantsJson(value.response_format),
    tool: toolToCall(value.tools, value.tool_choice, directives.tool === true),
    directives,
  };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    // Not the parser's own error: its message quotes the text.
    throw new Refusal("The request body is not valid JSON.");
  }
}

function contentBytes(messages: readonly unknown[]): number {
  let bytes = 0;
  for (const message of messages) {
    if (!isRecord(message)) throw new Refusal("Each message must be an object.", { param: "messages" });
    const { content } = message;
    if (typeof content === "string") bytes += Buffer.byteLength(content);
    else if (Array.isArray(content)) for (const part of content) bytes += textBytes(part);
  }
  return bytes;
}

function textBytes(part: unknown): number {
  return isRecord(part) && typeof part.text === "string" ? Buffer.byteLength(part.text) : 0;
}

function tokenLimit(request: Record<string, unknown>, name: string): number | null {
  const limit = request[name];
  if (limit === undefined || limit === null) return null;
  if (typeof limit === "number" && Number.isSafeInteger(limit) && limit >= 1) return limit;
  throw new Refusal(`${name} must be a positive integer.`, { param: name });
}

function wantsJson(format: unknown): boolean {
  return isRecord(format) && (format.type === "json_object" || format.type === "json_schema");
}

function toolToCall(tools: unknown, choice: unknown, directed: boolean): string | null {
  if (!Array.isArray(tools) || choice === "none") return null;
  const chosen = functionName(choice);
  if (chosen !== null) return chosen;
  if (!directed && choice !== "required") return null;
  return tools.map(functionName).find((name) => name !== null) ?? null;
}

/** Both a tool and a choice of one name their function in the same place. */
function functionName(tool: unknown): string | null {
  if (!isRecord(tool) || !isRecord(tool.function)) return null;
  const { name } = tool.function;
  return typeof name === "string" ? name : null;
}
