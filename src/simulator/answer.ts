// What the simulated provider says, as OpenAI chat completions bytes: one JSON body, or the events of a stream.
// Pure. Texts are slices of one sentence repeated, and an event is three strings joined, so that a bench
// measures the gateway and not this.
import type { ChatRequest } from "./chat-request.ts";

/** 24 words, one token each: an answer without directives is exactly this. Its first word already says what it is. */
const SENTENCE =
  "Simulated answer from the provider that is built into Daybook: no model was asked, nothing was understood, " +
  "and these words are always the same.";
const WORDS = SENTENCE.split(" ");
const CYCLE = ` ${SENTENCE}`;
/** No text is longer than this, 8,160 words in 46 KiB; the usage still says what was asked for. */
const TEXT = CYCLE.repeat(340);
const WORD_STARTS = WORDS.map((_, index) =>
  WORDS.slice(0, index).reduce((sum, word) => sum + 1 + word.length, 0),
);

/** Around the words where JSON is wanted; escaped once, because it lies within a JSON string. */
const JSON_OPENING = escaped('{"simulated":true,"text":"');
const JSON_CLOSING = escaped('"}');

export interface Answer {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly tool: string | null;
  readonly json: boolean;
  /** Tokens that have a word. */
  readonly words: number;
  readonly wordsPerEvent: number;
  readonly finishReason: "stop" | "length" | "tool_calls";
  /** JSON text, or null where none is reported. */
  readonly usage: string | null;
  /** In a stream, usage is reported only when it was asked for. */
  readonly usageInStream: boolean;
}

/** A stream's events, each with its blank line. `event(0)` opens the message; `ending` goes to `[DONE]`. */
export interface AnswerStream {
  /** How many events precede the ending. */
  readonly length: number;
  readonly event: (index: number) => string;
  readonly ending: string;
}

/** The answer to `request`, the `sequence`-th of this simulator. */
export function createAnswer(request: ChatRequest, sequence: number, created: number): Answer {
  const { directives, tool } = request;
  const promptTokens = directives.prompt_tokens ?? request.promptTokens;
  const unlimited = directives.completion_tokens ?? WORDS.length;
  const limited = directives.completion_tokens === undefined && (request.maxTokens ?? Infinity) < unlimited;
  const completionTokens = limited ? (request.maxTokens ?? 0) : unlimited;
  const reasoningTokens = directives.reasoning_tokens ?? 0;
  const usage =
    `{"prompt_tokens":${promptTokens},"completion_tokens":${completionTokens},` +
    `"total_tokens":${promptTokens + completionTokens},` +
    `"prompt_tokens_details":{"cached_tokens":${directives.cached_tokens ?? 0},"audio_tokens":0},` +
    `"completion_tokens_details":{"reasoning_tokens":${reasoningTokens},"audio_tokens":0,` +
    `"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`;
  return {
    id: `chatcmpl-sim-${sequence}`,
    created,
    model: request.model,
    tool,
    json: request.json || tool !== null,
    words: Math.max(0, completionTokens - reasoningTokens),
    wordsPerEvent: directives.chunk_tokens ?? 1,
    finishReason: tool !== null ? "tool_calls" : limited ? "length" : "stop",
    usage: directives.failure === "no_usage" ? null : usage,
    usageInStream: request.includeUsage,
  };
}

/** The body of a `chat.completion`. */
export function answerBody(answer: Answer): string {
  const text = (answer.json ? JSON_OPENING : "") + words(0, answer.words) + (answer.json ? JSON_CLOSING : "");
  const message =
    answer.tool === null
      ? `"content":"${text}","refusal":null`
      : `"content":null,"refusal":null,"tool_calls":[${toolCall(answer, answer.tool, text)}]`;
  return (
    `{"id":"${answer.id}","object":"chat.completion","created":${answer.created},` +
    `"model":${JSON.stringify(answer.model)},"choices":[{"index":0,"message":{"role":"assistant",${message}},` +
    `"logprobs":null,"finish_reason":"${answer.finishReason}"}]` +
    `${answer.usage === null ? "" : `,"usage":${answer.usage}`},"system_fingerprint":"simulated"}`
  );
}

/** The `chat.completion.chunk` events. With usage asked for, every event but the last carries `usage: null`. */
export function answerStream(answer: Answer): AnswerStream {
  const { tool, words: total, wordsPerEvent } = answer;
  const usage = answer.usageInStream ? answer.usage : null;
  const opening =
    `data: {"id":"${answer.id}","object":"chat.completion.chunk","created":${answer.created},` +
    `"model":${JSON.stringify(answer.model)},"system_fingerprint":"simulated","choices":[`;
  const closing = usage === null ? "]}\n\n" : '],"usage":null}\n\n';
  const delta = `${opening}{"index":0,"delta":{`;
  const going = `},"logprobs":null,"finish_reason":null}${closing}`;
  const done = `},"logprobs":null,"finish_reason":"${answer.finishReason}"}${closing}`;

  const role =
    tool === null
      ? '"role":"assistant","content":"","refusal":null'
      : `"role":"assistant","content":null,"tool_calls":[${toolCall(answer, tool, "", 0)}]`;
  const before =
    delta + (tool === null ? '"content":"' : '"tool_calls":[{"index":0,"function":{"arguments":"');
  const after = (tool === null ? '"' : '"}}]') + going;
  const report = usage === null ? "" : `${opening}],"usage":${usage}}\n\n`;
  const pieces = Math.max(Math.ceil(total / wordsPerEvent), answer.json ? 1 : 0);
  const piece = (index: number) => {
    const from = index * wordsPerEvent;
    const text = words(from, Math.min(wordsPerEvent, total - from));
    if (!answer.json) return text;
    return (index === 0 ? JSON_OPENING : "") + text + (index === pieces - 1 ? JSON_CLOSING : "");
  };
  return {
    length: 1 + pieces,
    event: (index) => (index === 0 ? delta + role + going : before + piece(index - 1) + after),
    ending: `${delta}${done}${report}data: [DONE]\n\n`,
  };
}

/** An error body in OpenAI's shape. */
export function errorBody(message: string, type: string, param: string | null, code: string | null): string {
  return JSON.stringify({ error: { message, type, param, code } });
}

function toolCall(answer: Answer, name: string, args: string, index?: number): string {
  return (
    `{${index === undefined ? "" : `"index":${index},`}"id":"call_${answer.id}","type":"function",` +
    `"function":{"name":${JSON.stringify(name)},"arguments":"${args}"}}`
  );
}

/** `count` words from the `from`-th on, each after the first of all with its space, as tokens have it. */
function words(from: number, count: number): string {
  const first = from % WORDS.length;
  const text = TEXT.slice(wordStart(first), wordStart(first + count));
  return from === 0 ? text.slice(1) : text;
}

function wordStart(index: number): number {
  return Math.floor(index / WORDS.length) * CYCLE.length + (WORD_STARTS[index % WORDS.length] ?? 0);
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
