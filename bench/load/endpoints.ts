// One call of every inference endpoint, whole and as a stream: what is asked, and what an upstream answers.

export interface Endpoint {
  readonly name: string;
  readonly path: string;
  readonly backendType: "openai" | "anthropic";
  /** The request without its model. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly contentType: "application/json" | "text/event-stream";
  readonly answer: string;
}

const EVENTS = 50;
const TEXT = "w".repeat(600);
const PROMPT = "Name the capital of France, and say in one sentence what it is known for.";
const MESSAGES = [{ role: "user", content: PROMPT }];
const USAGE = { prompt_tokens: 24, completion_tokens: 150, total_tokens: 174 };
const OUTPUT_USAGE = { input_tokens: 24, output_tokens: 150, total_tokens: 174 };
const CLAUDE_USAGE = { input_tokens: 24, output_tokens: 150 };

const words = Array.from({ length: EVENTS }, (_, at) => `word${at} `);

/** Server-sent events, with their names where the protocol has them. */
function stream(events: readonly object[], isNamed: boolean): string {
  const text = events.map((event) => {
    const name = isNamed ? `event: ${(event as { type: string }).type}\n` : "";
    return `${name}data: ${JSON.stringify(event)}\n\n`;
  });
  return text.join("") + (isNamed ? "" : "data: [DONE]\n\n");
}

const chunk = (rest: object) => ({
  id: "chatcmpl-b",
  object: "chat.completion.chunk",
  model: "bench",
  ...rest,
});
const response = (status: string, rest: object) => ({
  id: "resp_b",
  object: "response",
  model: "bench",
  status,
  ...rest,
});
const OUTPUT = [{ type: "message", role: "assistant", content: [{ type: "output_text", text: TEXT }] }];

const whole = (
  name: string,
  request: Endpoint["request"],
  answer: object,
  backendType: Endpoint["backendType"] = "openai",
): Endpoint => ({
  name,
  path: `/v1/${name}`,
  backendType,
  request,
  contentType: "application/json",
  answer: JSON.stringify(answer),
});
const streamed = (
  name: string,
  request: Endpoint["request"],
  events: readonly object[],
  { isNamed, backendType = "openai" }: { isNamed: boolean; backendType?: Endpoint["backendType"] },
): Endpoint => ({
  name: `${name}, a stream`,
  path: `/v1/${name}`,
  backendType,
  request: { ...request, stream: true },
  contentType: "text/event-stream",
  answer: stream(events, isNamed),
});

export const ENDPOINTS: readonly Endpoint[] = [
  whole(
    "chat/completions",
    { messages: MESSAGES },
    {
      id: "chatcmpl-b",
      object: "chat.completion",
      model: "bench",
      choices: [{ index: 0, message: { role: "assistant", content: TEXT }, finish_reason: "stop" }],
      usage: USAGE,
    },
  ),
  whole(
    "completions",
    { prompt: PROMPT },
    {
      id: "cmpl-b",
      object: "text_completion",
      model: "bench",
      choices: [{ index: 0, text: TEXT, finish_reason: "stop" }],
      usage: USAGE,
    },
  ),
  whole("responses", { input: PROMPT }, response("completed", { output: OUTPUT, usage: OUTPUT_USAGE })),
  whole(
    "embeddings",
    { input: PROMPT },
    {
      object: "list",
      model: "bench",
      data: [{ object: "embedding", index: 0, embedding: Array.from({ length: 64 }, (_, at) => at / 64) }],
      usage: { prompt_tokens: 24, total_tokens: 24 },
    },
  ),
  whole(
    "messages",
    { max_tokens: 256, messages: MESSAGES },
    {
      id: "msg_b",
      type: "message",
      role: "assistant",
      model: "bench",
      content: [{ type: "text", text: TEXT }],
      stop_reason: "end_turn",
      usage: CLAUDE_USAGE,
    },
    "anthropic",
  ),
  whole("messages/count_tokens", { messages: MESSAGES }, { input_tokens: 24 }, "anthropic"),
  streamed(
    "chat/completions",
    { messages: MESSAGES },
    [
      ...words.map((content, at) =>
        chunk({
          choices: [{ index: 0, delta: { content }, finish_reason: at === EVENTS - 1 ? "stop" : null }],
        }),
      ),
      chunk({ choices: [], usage: USAGE }),
    ],
    { isNamed: false },
  ),
  streamed(
    "responses",
    { input: PROMPT },
    [
      { type: "response.created", response: response("in_progress", { output: [] }) },
      ...words.map((delta) => ({ type: "response.output_text.delta", item_id: "item_b", delta })),
      {
        type: "response.completed",
        response: response("completed", { output: OUTPUT, usage: OUTPUT_USAGE }),
      },
    ],
    { isNamed: true },
  ),
  streamed(
    "messages",
    { max_tokens: 256, messages: MESSAGES },
    [
      {
        type: "message_start",
        message: { id: "msg_b", type: "message", role: "assistant", model: "bench", usage: CLAUDE_USAGE },
      },
      ...words.map((text) => ({
        type: "content_block_delta",
        index: 0,
        delta: { type: "text_delta", text },
      })),
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: CLAUDE_USAGE },
      { type: "message_stop" },
    ],
    { isNamed: true, backendType: "anthropic" },
  ),
];

/** The name of the endpoint's provider, route and model, and the part of the upstream's path that asks for its answer. */
export function cannedName(endpoint: Endpoint): string {
  return `canned-${ENDPOINTS.indexOf(endpoint)}`;
}

/** What the upstream sends, byte for byte. */
export function cannedAnswer({ contentType, answer }: Endpoint): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\nx-request-id: req_bench\r\nContent-Length: ${Buffer.byteLength(answer)}\r\n\r\n${answer}`;
}
