// Reads what the simulated provider needs of a request, and refuses what a provider would refuse. Content is only
// measured; nothing of it is kept.
import { type Directives, isRecord, parseDirectives, Refusal } from "./directives.ts";
import type { Answer, Form } from "./form.ts";
import { USUAL_TOKENS } from "./words.ts";

/** What one endpoint's request asks for. */
export interface Asked {
  /** ⌈bytes of the content / 4⌉. */
  readonly promptTokens: number;
  /** The client's limit on completion tokens. */
  readonly maxTokens: number | null;
  /** The client wants JSON text. */
  readonly json?: boolean;
  /** The tool to call; null or absent: an answer in words. */
  readonly tool?: string | null;
  /** The client asked for usage in the stream. */
  readonly includeUsage?: boolean;
  /** Of embeddings. */
  readonly inputs?: number;
  readonly dimensions?: number;
  readonly base64?: boolean;
}

export interface SimulatedRequest extends Asked {
  readonly model: string;
  readonly streaming: boolean;
  /** The simulator's own, overlaid with the request's. */
  readonly directives: Directives;
}

/** Parses a request body; throws a Refusal for a bad one. */
export function parseRequest(body: Buffer, form: Form, defaults: Directives): SimulatedRequest {
  const value = parseJson(body);
  if (!isRecord(value)) throw new Refusal("The request body must be a JSON object.");
  const { model, stream, n } = value;
  if (typeof model !== "string" || model === "")
    throw new Refusal("model must be a string.", { param: "model" });
  if (stream !== undefined && stream !== null && typeof stream !== "boolean")
    throw new Refusal("stream must be true or false.", { param: "stream" });
  if (n !== undefined && n !== null && n !== 1)
    throw new Refusal("n must be 1: the simulated provider gives one choice.", { param: "n" });
  const directives = { ...defaults, ...parseDirectives(value.simulate) };
  const asked = form.read(value, directives.tool === true);
  return { ...asked, model, streaming: stream === true && form.stream !== null, directives };
}

/** What `request`, the `sequence`-th of this simulator, is answered with. */
export function createAnswer(request: SimulatedRequest, sequence: number, created: number): Answer {
  const { directives, maxTokens, tool = null, json = false } = request;
  const unlimited = directives.completion_tokens ?? USUAL_TOKENS;
  const isCut = directives.completion_tokens === undefined && (maxTokens ?? Infinity) < unlimited;
  const completion = isCut ? (maxTokens ?? 0) : unlimited;
  const reasoning = directives.reasoning_tokens ?? 0;
  const prompt = directives.prompt_tokens ?? request.promptTokens;
  const usage = { prompt, completion, cached: directives.cached_tokens ?? 0, reasoning };
  return {
    sequence,
    created,
    model: request.model,
    tool,
    json: json || tool !== null,
    words: Math.max(0, completion - reasoning),
    wordsPerEvent: directives.chunk_tokens ?? 1,
    isCut,
    usage: directives.failure === "no_usage" ? null : usage,
    usageInStream: request.includeUsage ?? false,
    inputs: request.inputs ?? 1,
    dimensions: request.dimensions ?? 0,
    base64: request.base64 ?? false,
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

export function tokensOf(bytes: number): number {
  return Math.ceil(bytes / 4);
}

/** Of messages or items, in whichever dialect: their `content`, a text or parts that have a `text`. */
export function contentBytes(messages: readonly unknown[], param: string): number {
  let bytes = 0;
  for (const message of messages) {
    if (!isRecord(message)) throw new Refusal("Each message must be an object.", { param });
    bytes += textBytes(message.content);
  }
  return bytes;
}

/** Of a text, or of the parts that have one. */
export function textBytes(content: unknown): number {
  if (typeof content === "string") return Buffer.byteLength(content);
  if (!Array.isArray(content)) return 0;
  let bytes = 0;
  for (const part of content)
    if (isRecord(part) && typeof part.text === "string") bytes += Buffer.byteLength(part.text);
  return bytes;
}

/** A list of at least one; throws a Refusal that names the member. */
export function listIn(request: Record<string, unknown>, name: string): readonly unknown[] {
  const value = request[name];
  if (Array.isArray(value) && value.length > 0) return value;
  throw new Refusal(`${name} must be an array of at least one.`, { param: name });
}

export function tokenLimit(request: Record<string, unknown>, name: string): number | null {
  const limit = request[name];
  if (limit === undefined || limit === null) return null;
  if (typeof limit === "number" && Number.isSafeInteger(limit) && limit >= 1) return limit;
  throw new Refusal(`${name} must be a positive integer.`, { param: name });
}
