// What redacting one value may cost beyond the bytes that it shows, whoever wrote it and however: shared by all walks
// over it.
import { type FittedText, fitText } from "./redaction-fit.ts";
import { REDACTED } from "./redaction-patterns.ts";
import { redactOnce } from "./redaction-text.ts";

/** Characters of strings that do not fit and are still read as JSON; what is more is cut and read as text. */
const MAX_PARSED = 524_288;
const MAX_NAME_BYTES = 256;
/** No member takes fewer bytes: `"":0` and a comma. */
const LEAST_MEMBER = 5;
/** Bytes of JSON that a character can take. */
const CHARACTER_BYTES = 6;

export class Work {
  #unparsed = MAX_PARSED;
  readonly #names = new Map<string, FittedText | null>();
  #longest = 0;

  /** Whether this may be read as JSON, which is paid for. */
  parses({ length }: string): boolean {
    if (length > this.#unparsed) return false;
    this.#unparsed -= length;
    return true;
  }

  saw({ length }: string): void {
    this.#longest = Math.max(this.#longest, length * CHARACTER_BYTES);
  }

  /** Whether some string changes where none may take more. */
  shortens(maxBytes: number): boolean {
    return this.#longest > maxBytes;
  }

  /** A member's name as it is shown. */
  shown(name: string): FittedText | null {
    let shown = this.#names.get(name);
    if (shown === undefined) {
      shown = fitText(name, MAX_NAME_BYTES, redactOnce);
      this.#names.set(name, shown);
    }
    return shown;
  }
}

/** How many members with these names fit at best, in their order. */
export function fittingNames(names: readonly string[], room: number): number {
  let left = room;
  const first = names.findIndex((name) => {
    left -= LEAST_MEMBER + Math.min(name.length, REDACTED.length);
    return left < 0;
  });
  return first === -1 ? names.length : first;
}
