// Token counts as providers report them, brought to one shape. What is not a whole number of tokens is not a
// count: it becomes null and is never guessed.
import { isObject } from "./json-members.ts";

/** Tokens of one answer; null where the provider did not say. */
export interface Usage {
  /** Cached tokens included. */
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly totalTokens: number | null;
  /** The part of the prompt that was read from a cache. */
  readonly cachedTokens: number | null;
  /** The part of the completion that was spent on reasoning. */
  readonly reasoningTokens: number | null;
}

/**
 * The `usage` object of OpenAI chat completions and of what imitates it, or null when no count is in it.
 * Variants: DeepSeek counts `prompt_cache_hit_tokens` and `prompt_cache_miss_tokens`; some put `cached_tokens` or
 * `reasoning_tokens` beside the totals; a missing total is the sum. Counts beyond 2^53 - 1 are clamped to it.
 */
export function openaiUsage(value: unknown): Usage | null {
  if (!isObject(value)) return null;
  const hit = count(value.prompt_cache_hit_tokens);
  const promptTokens = count(value.prompt_tokens) ?? sum(hit, count(value.prompt_cache_miss_tokens));
  const completionTokens = count(value.completion_tokens);
  return told({
    promptTokens,
    completionTokens,
    totalTokens: count(value.total_tokens) ?? sum(promptTokens, completionTokens),
    cachedTokens:
      count(member(value.prompt_tokens_details, "cached_tokens")) ?? hit ?? count(value.cached_tokens),
    reasoningTokens:
      count(member(value.completion_tokens_details, "reasoning_tokens")) ?? count(value.reasoning_tokens),
  });
}

/** The `usage` object of OpenAI responses, or null when no count is in it. */
export function responsesUsage(value: unknown): Usage | null {
  if (!isObject(value)) return null;
  const promptTokens = count(value.input_tokens);
  const completionTokens = count(value.output_tokens);
  return told({
    promptTokens,
    completionTokens,
    totalTokens: count(value.total_tokens) ?? sum(promptTokens, completionTokens),
    cachedTokens: count(member(value.input_tokens_details, "cached_tokens")),
    reasoningTokens: count(member(value.output_tokens_details, "reasoning_tokens")),
  });
}

/** The `usage` object of embeddings, or null when no count is in it. Nothing is generated: that is no missing count. */
export function embeddingsUsage(value: unknown): Usage | null {
  const usage = openaiUsage(value);
  if (usage === null) return null;
  const promptTokens = usage.promptTokens ?? usage.totalTokens;
  return {
    ...usage,
    promptTokens,
    completionTokens: usage.completionTokens ?? 0,
    totalTokens: usage.totalTokens ?? promptTokens,
  };
}

/** Counts of Anthropic Messages as they are reported: the three of input do not overlap. */
export interface AnthropicCounts {
  readonly input: number | null;
  readonly cacheRead: number | null;
  readonly cacheCreation: number | null;
  readonly output: number | null;
  readonly thinking: number | null;
}

export function anthropicCounts(value: unknown): AnthropicCounts {
  const usage = isObject(value) ? value : {};
  const creation = usage.cache_creation;
  return {
    input: count(usage.input_tokens),
    cacheRead: count(usage.cache_read_input_tokens),
    cacheCreation:
      count(usage.cache_creation_input_tokens) ??
      sum(
        count(member(creation, "ephemeral_5m_input_tokens")),
        count(member(creation, "ephemeral_1h_input_tokens")),
      ),
    output: count(usage.output_tokens),
    thinking: count(member(usage.output_tokens_details, "thinking_tokens")),
  };
}

/** The larger of each count: those of a stream are running totals, and any report may leave some out. */
export function largerCounts(a: AnthropicCounts, b: AnthropicCounts): AnthropicCounts {
  return {
    input: larger(a.input, b.input),
    cacheRead: larger(a.cacheRead, b.cacheRead),
    cacheCreation: larger(a.cacheCreation, b.cacheCreation),
    output: larger(a.output, b.output),
    thinking: larger(a.thinking, b.thinking),
  };
}

/** Anthropic's counts in the one shape, or null when there are none: the prompt is what was new, read and cached. */
export function anthropicUsage(counts: AnthropicCounts): Usage | null {
  const { input, cacheRead, cacheCreation, output, thinking } = counts;
  const promptTokens = sum(sum(input, cacheRead ?? 0), cacheCreation ?? 0);
  return told({
    promptTokens,
    completionTokens: output,
    totalTokens: sum(promptTokens, output),
    cachedTokens: cacheRead,
    reasoningTokens: thinking,
  });
}

/** The larger of each count: reports within a stream are running totals, and a last one may leave some out. */
export function largerUsage(a: Usage | null, b: Usage | null): Usage | null {
  if (a === null || b === null) return a ?? b;
  return {
    promptTokens: larger(a.promptTokens, b.promptTokens),
    completionTokens: larger(a.completionTokens, b.completionTokens),
    totalTokens: larger(a.totalTokens, b.totalTokens),
    cachedTokens: larger(a.cachedTokens, b.cachedTokens),
    reasoningTokens: larger(a.reasoningTokens, b.reasoningTokens),
  };
}

function told(usage: Usage): Usage | null {
  return Object.values(usage).every((tokens) => tokens === null) ? null : usage;
}

function count(value: unknown): number | null {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) return null;
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.min(a + b, Number.MAX_SAFE_INTEGER);
}

function larger(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

function member(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}

/** Counts for an event and a bill: none of tokens in and out is missing. */
export interface CountedUsage extends Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  /** A count is Daybook's estimate. */
  readonly tokensEstimated: boolean;
}

/** Four bytes are about a token of English text. */
const BYTES_PER_TOKEN = 4;

/**
 * `usage` with the counts that the provider did not tell estimated: a quarter of the prompt's bytes
 * (`InferenceRequest.promptBytes`) and of the answer's (`contentBytes`), rounded up.
 */
export function estimateUsage(usage: Usage | null, promptBytes: number, contentBytes: number): CountedUsage {
  const promptTokens = usage?.promptTokens ?? Math.ceil(promptBytes / BYTES_PER_TOKEN);
  const completionTokens = usage?.completionTokens ?? Math.ceil(contentBytes / BYTES_PER_TOKEN);
  const told = usage !== null && usage.promptTokens !== null && usage.completionTokens !== null;
  return {
    promptTokens,
    completionTokens,
    totalTokens: (told ? usage.totalTokens : null) ?? promptTokens + completionTokens,
    cachedTokens: usage?.cachedTokens ?? null,
    reasoningTokens: usage?.reasoningTokens ?? null,
    tokensEstimated: !told,
  };
}
