// OpenAI chat completions and legacy completions, as bytes: one JSON body, or the events of a stream. An event is
// three strings joined, so that a bench measures the gateway and not this.
import { isRecord, Refusal } from "./directives.ts";
import type { Answer, EventStream, Form } from "./form.ts";
import { OPENAI_ERRORS } from "./openai-errors.ts";
import { type Asked, contentBytes, listIn, textBytes, tokenLimit, tokensOf } from "./request.ts";
import { piece, pieceCount, wholeText } from "./words.ts";

export const CHAT: Form = { read: readChat, body: chatBody, stream: chatStream, errors: OPENAI_ERRORS };
export const COMPLETIONS: Form = {
  read: readCompletion,
  body: completionBody,
  stream: completionStream,
  errors: OPENAI_ERRORS,
};

function readChat(request: Record<string, unknown>, toolWanted: boolean): Asked {
  return {
    promptTokens: tokensOf(contentBytes(listIn(request, "messages"), "messages")),
    maxTokens: tokenLimit(request, "max_completion_tokens") ?? tokenLimit(request, "max_tokens"),
    json: wantsJson(request.response_format),
    tool: toolToCall(request.tools, request.tool_choice, toolWanted),
    includeUsage: includesUsage(request),
  };
}

function readCompletion(request: Record<string, unknown>): Asked {
  const { prompt } = request;
  const texts = Array.isArray(prompt) ? prompt : [prompt];
  if (texts.length === 0 || prompt === undefined)
    throw new Refusal("prompt is missing.", { param: "prompt" });
  return {
    promptTokens: tokensOf(texts.reduce<number>((sum, text) => sum + textBytes(text), 0)),
    maxTokens: tokenLimit(request, "max_tokens"),
    includeUsage: includesUsage(request),
  };
}

function includesUsage({ stream, stream_options: options }: Record<string, unknown>): boolean {
  if (options !== undefined && options !== null && stream !== true)
    throw new Refusal("stream_options is only allowed when stream is true.", { param: "stream_options" });
  return isRecord(options) && options.include_usage === true;
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

function usageOf({ usage }: Answer): string | null {
  if (usage === null) return null;
  const { prompt, completion, cached, reasoning } = usage;
  return (
    `{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion},` +
    `"prompt_tokens_details":{"cached_tokens":${cached},"audio_tokens":0},` +
    `"completion_tokens_details":{"reasoning_tokens":${reasoning},"audio_tokens":0,` +
    `"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`
  );
}

function finishReason({ tool, isCut }: Answer): string {
  return tool !== null ? "tool_calls" : isCut ? "length" : "stop";
}

function chatBody(answer: Answer): string {
  const text = wholeText(answer);
  const message =
    answer.tool === null
      ? `"content":"${text}","refusal":null`
      : `"content":null,"refusal":null,"tool_calls":[${toolCall(answer, answer.tool, text)}]`;
  const usage = usageOf(answer);
  return (
    `{"id":"chatcmpl-sim-${answer.sequence}","object":"chat.completion","created":${answer.created},` +
    `"model":${JSON.stringify(answer.model)},"choices":[{"index":0,"message":{"role":"assistant",${message}},` +
    `"logprobs":null,"finish_reason":"${finishReason(answer)}"}]` +
    `${usage === null ? "" : `,"usage":${usage}`},"system_fingerprint":"simulated"}`
  );
}

/** The `chat.completion.chunk` events. With usage asked for, every event but the last carries `usage: null`. */
function chatStream(answer: Answer): EventStream {
  const { tool } = answer;
  const usage = answer.usageInStream ? usageOf(answer) : null;
  const opening =
    `data: {"id":"chatcmpl-sim-${answer.sequence}","object":"chat.completion.chunk","created":${answer.created},` +
    `"model":${JSON.stringify(answer.model)},"system_fingerprint":"simulated","choices":[`;
  const closing = usage === null ? "]}\n\n" : '],"usage":null}\n\n';
  const delta = `${opening}{"index":0,"delta":{`;
  const going = `},"logprobs":null,"finish_reason":null}${closing}`;
  const done = `},"logprobs":null,"finish_reason":"${finishReason(answer)}"}${closing}`;
  const role =
    tool === null
      ? '"role":"assistant","content":"","refusal":null'
      : `"role":"assistant","content":null,"tool_calls":[${toolCall(answer, tool, "", 0)}]`;
  const before =
    delta + (tool === null ? '"content":"' : '"tool_calls":[{"index":0,"function":{"arguments":"');
  const after = (tool === null ? '"' : '"}}]') + going;
  const report = usage === null ? "" : `${opening}],"usage":${usage}}\n\n`;
  return {
    length: 1 + pieceCount(answer),
    event: (index) => (index === 0 ? delta + role + going : before + piece(answer, index - 1) + after),
    ending: `${delta}${done}${report}data: [DONE]\n\n`,
  };
}

function toolCall({ sequence }: Answer, name: string, args: string, index?: number): string {
  return (
    `{${index === undefined ? "" : `"index":${index},`}"id":"call_chatcmpl-sim-${sequence}","type":"function",` +
    `"function":{"name":${JSON.stringify(name)},"arguments":"${args}"}}`
  );
}

function completionBody(answer: Answer): string {
  const usage = usageOf(answer);
  return (
    `${completionOpening(answer)}{"text":"${wholeText(answer)}","index":0,"logprobs":null,` +
    `"finish_reason":"${finishReason(answer)}"}]${usage === null ? "" : `,"usage":${usage}`}}`
  );
}

function completionStream(answer: Answer): EventStream {
  const usage = answer.usageInStream ? usageOf(answer) : null;
  const closing = usage === null ? "]}\n\n" : '],"usage":null}\n\n';
  const opening = `data: ${completionOpening(answer)}`;
  const choice = (text: string, reason: string) =>
    `${opening}{"text":"${text}","index":0,"logprobs":null,"finish_reason":${reason}}${closing}`;
  const report = usage === null ? "" : `${opening}],"usage":${usage}}\n\n`;
  return {
    length: pieceCount(answer),
    event: (index) => choice(piece(answer, index), "null"),
    ending: `${choice("", `"${finishReason(answer)}"`)}${report}data: [DONE]\n\n`,
  };
}

function completionOpening({ sequence, created, model }: Answer): string {
  return (
    `{"id":"cmpl-sim-${sequence}","object":"text_completion","created":${created},` +
    `"model":${JSON.stringify(model)},"choices":[`
  );
}
