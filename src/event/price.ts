// What a model costs.

/** Millionths of a USD for a million tokens. */
export interface Price {
  readonly promptMicros: number;
  readonly cachedPromptMicros: number;
  readonly completionMicros: number;
}
