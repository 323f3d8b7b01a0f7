// OpenAI embeddings: vectors that mean nothing, the same for every input, and say so by their length.
import { Refusal } from "./directives.ts";
import type { Answer, Form } from "./form.ts";
import { OPENAI_ERRORS } from "./openai-errors.ts";
import { type Asked, textBytes, tokenLimit, tokensOf } from "./request.ts";

const DIMENSIONS = 8;
const MAX_DIMENSIONS = 4096;

export const EMBEDDINGS: Form = { read, body, stream: null, errors: OPENAI_ERRORS };

function read(request: Record<string, unknown>): Asked {
  const { input, encoding_format: format } = request;
  const isTokens = Array.isArray(input) && typeof input[0] === "number";
  const inputs = Array.isArray(input) && !isTokens ? input : [input];
  if (input === undefined || inputs.length === 0) throw new Refusal("input is missing.", { param: "input" });
  return {
    promptTokens: inputs.reduce<number>((sum, one) => sum + tokensIn(one), 0),
    maxTokens: null,
    inputs: inputs.length,
    dimensions: Math.min(tokenLimit(request, "dimensions") ?? DIMENSIONS, MAX_DIMENSIONS),
    base64: format === "base64",
  };
}

/** Of a text, or of a list of tokens. */
function tokensIn(input: unknown): number {
  return Array.isArray(input) ? input.length : tokensOf(textBytes(input));
}

function body(answer: Answer): string {
  const vector = Float32Array.from({ length: answer.dimensions }, (_, index) => 1 / (index + 2));
  const embedding = answer.base64
    ? `"${Buffer.from(vector.buffer).toString("base64")}"`
    : JSON.stringify([...vector]);
  const data = Array.from(
    { length: answer.inputs },
    (_, index) => `{"object":"embedding","index":${index},"embedding":${embedding}}`,
  );
  const { usage } = answer;
  const counts =
    usage === null ? "" : `,"usage":{"prompt_tokens":${usage.prompt},"total_tokens":${usage.prompt}}`;
  return `{"object":"list","data":[${data.join(",")}],"model":${JSON.stringify(answer.model)}${counts}}`;
}
