// What a model costs.

/** Millionths of a USD for a million tokens. */
export interface Price {
  readonly promptMicros: number;
  readonly cachedPromptMicros: number;
  readonly completionMicros: number;
}

/** Tokens of one answer, as its event has them; null: not known. */
export interface Tokens {
  /** Cached tokens included. */
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly totalTokens: number | null;
  readonly cachedTokens: number | null;
}

const MILLION = 1_000_000;

/**
 * What an answer costs, in millionths of a credit: whole ones, rounded up once. Cached prompt tokens have their own
 * price; what is not known costs nothing, but for a total without its parts, whose rest is the prompt's. Stops at
 * MAX_SAFE_INTEGER.
 */
export function costMicros(price: Price, tokens: Tokens): number {
  const completion = tokens.completionTokens ?? 0;
  const prompt = tokens.promptTokens ?? Math.max(0, (tokens.totalTokens ?? 0) - completion);
  const cached = Math.min(tokens.cachedTokens ?? 0, prompt);
  const { promptMicros, cachedPromptMicros, completionMicros } = price;
  const sum = (prompt - cached) * promptMicros + cached * cachedPromptMicros + completion * completionMicros;
  if (sum <= Number.MAX_SAFE_INTEGER) return Math.ceil(sum / MILLION);
  const exact =
    BigInt(prompt - cached) * BigInt(promptMicros) +
    BigInt(cached) * BigInt(cachedPromptMicros) +
    BigInt(completion) * BigInt(completionMicros);
  const micros = (exact + BigInt(MILLION - 1)) / BigInt(MILLION);
  return micros > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(micros);
}

/** Tokens in and out. */
export function totalTokens({ promptTokens, completionTokens, totalTokens }: Tokens): number {
  return totalTokens ?? Math.min((promptTokens ?? 0) + (completionTokens ?? 0), Number.MAX_SAFE_INTEGER);
}
