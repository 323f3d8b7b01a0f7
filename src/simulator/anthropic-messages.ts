// Anthropic messages and their token counter: one JSON body, or the events of a stream.
import { isRecord, Refusal } from "./directives.ts";
import type { Answer, Errors, EventStream, Form } from "./form.ts";
import { type Asked, contentBytes, listIn, textBytes, tokenLimit, tokensOf } from "./request.ts";
import { piece, pieceCount, wholeText } from "./words.ts";

const TYPES: { readonly [status: number]: string } = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

const errorBody: Errors["body"] = (message, type) =>
  JSON.stringify({ type: "error", error: { type, message }, request_id: null });

const ERRORS: Errors = {
  body: errorBody,
  event: (message, type) => `event: error\ndata: ${errorBody(message, type, null, null)}\n\n`,
  about: (status) => [
    TYPES[status] ?? (status < 400 || status >= 500 ? "api_error" : "invalid_request_error"),
    null,
  ],
};

export const MESSAGES: Form = { read: readMessage, body, stream, errors: ERRORS };
export const COUNT_TOKENS: Form = {
  read,
  body: ({ usage }) => `{"input_tokens":${usage?.prompt ?? 0}}`,
  stream: null,
  errors: ERRORS,
};

function readMessage(request: Record<string, unknown>, toolWanted: boolean): Asked {
  if (tokenLimit(request, "max_tokens") === null)
    throw new Refusal("max_tokens: Field required", { param: "max_tokens" });
  return { ...read(request), tool: toolToCall(request.tools, request.tool_choice, toolWanted) };
}

function read(request: Record<string, unknown>): Asked {
  const bytes = contentBytes(listIn(request, "messages"), "messages") + textBytes(request.system);
  return { promptTokens: tokensOf(bytes), maxTokens: tokenLimit(request, "max_tokens") };
}

function toolToCall(tools: unknown, choice: unknown, directed: boolean): string | null {
  if (!Array.isArray(tools)) return null;
  const { type, name } = isRecord(choice) ? choice : {};
  if (type === "none") return null;
  if (type === "tool" && typeof name === "string") return name;
  if (!directed && type !== "any") return null;
  const first: unknown = tools.find((tool) => isRecord(tool) && typeof tool.name === "string");
  return isRecord(first) ? (first.name as string) : null;
}

function stopReason({ tool, isCut }: Answer): string {
  return tool !== null ? "tool_use" : isCut ? "max_tokens" : "end_turn";
}

/** Anthropic's prompt does not include what was read from a cache. */
function usageOf({ usage }: Answer, output: number): string {
  if (usage === null) return "";
  return (
    `,"usage":{"input_tokens":${Math.max(0, usage.prompt - usage.cached)},"cache_creation_input_tokens":0,` +
    `"cache_read_input_tokens":${usage.cached},"output_tokens":${output},"service_tier":"standard"}`
  );
}

function message(answer: Answer, content: string, reason: string, output: number): string {
  return (
    `{"id":"msg_sim_${answer.sequence}","type":"message","role":"assistant",` +
    `"model":${JSON.stringify(answer.model)},"content":[${content}],"stop_reason":${reason},"stop_sequence":null` +
    `${usageOf(answer, output)}}`
  );
}

function toolUse({ sequence }: Answer, name: string, input: string): string {
  return `{"type":"tool_use","id":"toolu_sim_${sequence}","name":${JSON.stringify(name)},"input":${input}}`;
}

function body(answer: Answer): string {
  const text = wholeText(answer);
  // The text is JSON within a JSON string; here it stands as JSON itself.
  const content =
    answer.tool === null
      ? `{"type":"text","text":"${text}","citations":null}`
      : toolUse(answer, answer.tool, JSON.parse(`"${text}"`) as string);
  return message(answer, content, `"${stopReason(answer)}"`, answer.usage?.completion ?? 0);
}

function stream(answer: Answer): EventStream {
  const { tool, usage } = answer;
  const event = (type: string, more: string) => `event: ${type}\ndata: {"type":"${type}"${more}}\n\n`;
  const block = tool === null ? '{"type":"text","text":""}' : toolUse(answer, tool, "{}");
  const opening =
    event("message_start", `,"message":${message(answer, "", "null", 1)}`) +
    event("content_block_start", `,"index":0,"content_block":${block}`) +
    event("ping", "");
  const [kind, member] = tool === null ? ["text_delta", "text"] : ["input_json_delta", "partial_json"];
  const before = `event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"${kind}","${member}":"`;
  const counts = usage === null ? "" : `,"usage":{"output_tokens":${usage.completion}}`;
  return {
    length: 1 + pieceCount(answer),
    event: (index) => (index === 0 ? opening : `${before}${piece(answer, index - 1)}"}}\n\n`),
    ending:
      event("content_block_stop", ',"index":0') +
      event(
        "message_delta",
        `,"delta":{"stop_reason":"${stopReason(answer)}","stop_sequence":null}${counts}`,
      ) +
      event("message_stop", ""),
  };
}
