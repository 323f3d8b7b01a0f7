// What the simulated provider says: slices of one sentence repeated, so that a bench measures the gateway and not
// this. All texts are as they stand within a JSON string.

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

/** Tokens of an answer that nobody directs. */
export const USUAL_TOKENS = WORDS.length;

export interface Text {
  /** Tokens that have a word. */
  readonly words: number;
  readonly wordsPerEvent: number;
  /** JSON within JSON. */
  readonly json: boolean;
}

export function wholeText({ words: total, json }: Text): string {
  const text = words(0, total);
  return json ? JSON_OPENING + text + JSON_CLOSING : text;
}

/** How many pieces a stream of the text has. */
export function pieceCount({ words: total, wordsPerEvent, json }: Text): number {
  return Math.max(Math.ceil(total / wordsPerEvent), json ? 1 : 0);
}

export function piece(text: Text, index: number): string {
  const { words: total, wordsPerEvent, json } = text;
  const from = index * wordsPerEvent;
  const part = words(from, Math.min(wordsPerEvent, total - from));
  if (!json) return part;
  return (index === 0 ? JSON_OPENING : "") + part + (index === pieceCount(text) - 1 ? JSON_CLOSING : "");
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
