// JSON whose every reader reads the same: RFC 8259 without what parsers differ in. A key that stands twice in an
// object is refused, since some take the first and some the last; and V8's own JSON.parse misreads an escaped key
// after certain objects before it (nodejs/node#63785), so it is not asked for objects at all. For messages that are
// judged here and acted upon elsewhere: who writes them decides how much there is to read, so a long text is read a
// piece at a time, and whatever else the thread has to do is done between.

/** Why a text is refused. Never with a part of it. */
export interface Unreadable {
  readonly problem: "not_json" | "duplicate_key" | "too_deep";
}

/** A value and where each element of an outermost array stands. */
export interface ReadJson {
  readonly value: unknown;
  /** Of the elements of an outermost array: start, and end (exclusive). */
  readonly spans: readonly (readonly [start: number, end: number])[];
}

const MAX_DEPTH = 256;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

/** Of any length that somebody could mean. */
const NUMBER = /-?(?:0|[1-9]\d{0,999})(?:\.\d{1,1000})?(?:[eE][+-]?\d{1,20})?/y;
const WORDS = new Map<string, boolean | null>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

/** A step reads a value, or so many characters of a string or of space. */
const STEP_CHARS = 1024;
/** Characters of a string or of space that are read at once. */
const PIECE = 64 * STEP_CHARS;
/** Steps between two turns of the event loop: some milliseconds where every one makes an object of its own shape. */
const STEPS = 2500;
/** Characters of the longest escape: six, as in `\u0041`. */
const ESCAPE = 6;

/** Reads `text` whole. Linear in its length. */
export function readStrictJson(text: string): ReadJson | Unreadable {
  return refusedOr(() => {
    const reader = new Reader(text);
    reader.read(Number.POSITIVE_INFINITY);
    return reader.result;
  });
}

/** The same, a piece at a time: `turn` lets others have theirs. */
export async function readStrictJsonInTurns(
  text: string,
  turn: () => Promise<unknown>,
): Promise<ReadJson | Unreadable> {
  const reader = new Reader(text);
  for (;;) {
    const read = refusedOr(() => (reader.read(STEPS) ? reader.result : null));
    if (read !== null) return read;
    await turn();
  }
}

function refusedOr<T>(read: () => T): T | Unreadable {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refused) return { problem: error.problem };
    throw error;
  }
}

class Refused extends Error {
  readonly problem: Unreadable["problem"];

  constructor(problem: Unreadable["problem"]) {
    super(problem);
    this.problem = problem;
  }
}

type Container = unknown[] | Record<string, unknown>;

/** A container that is open; `key`: of an object, that of the value that comes. */
interface Open {
  readonly container: Container;
  key: string;
}

/**
 * value ──scalar──► after ──comma──► value or key; ──bracket──► after
 *   └──bracket──► first, the same but that the container may end at once
 */
class Reader {
  readonly #spans: (readonly [number, number])[] = [];
  readonly #text: string;
  readonly #open: Open[] = [];
  #next: "value" | "first" | "key" | "colon" | "after" = "value";
  #at = 0;
  #left = 0;
  /** Where the rest of the string at hand begins; -1: there is none. */
  #string = -1;
  /** What stands before, escapes resolved. */
  #before = "";
  #escaped = false;
  /** Of the element of an outermost array at hand. */
  #start = 0;
  #value: unknown;

  constructor(text: string) {
    this.#text = text;
  }

  get result(): ReadJson {
    return { value: this.#value, spans: this.#spans };
  }

  /** At most so many steps; true: all is read. */
  read(steps: number): boolean {
    for (this.#left = steps; this.#left > 0; this.#left--) {
      if (this.#string === -1 && this.#space()) continue;
      if (this.#next === "after" && this.#open.length === 0) return this.#end();
      if (this.#next === "key") this.#key();
      else if (this.#next === "colon") this.#colon();
      else if (this.#next === "after") this.#after();
      else this.#begin();
    }
    return false;
  }

  #end(): true {
    if (this.#at !== this.#text.length) throw new Refused("not_json");
    return true;
  }

  /** A value, or the end of a container that has none. */
  #begin(): void {
    const { container } = this.#open.at(-1) ?? {};
    if (this.#next === "first" && this.#string === -1) {
      if (this.#takes(Array.isArray(container) ? CLOSE_BRACKET : CLOSE_BRACE)) this.#close();
      else this.#next = Array.isArray(container) ? "value" : "key";
      return;
    }
    if (this.#string === -1 && this.#open.length === 1) this.#start = this.#at;
    switch (this.#string === -1 ? this.#text.charCodeAt(this.#at) : QUOTE) {
      case QUOTE: {
        const text = this.#readString();
        if (text !== null) this.#put(text);
        return;
      }
      case OPEN_BRACE:
        this.#enter({});
        return;
      case OPEN_BRACKET:
        this.#enter([]);
        return;
      default:
        this.#put(this.#scalar());
    }
  }

  #enter(container: Container): void {
    if (this.#open.length >= MAX_DEPTH) throw new Refused("too_deep");
    this.#open.push({ container, key: "" });
    this.#at++;
    this.#next = "first";
  }

  #close(): void {
    this.#put((this.#open.pop() as Open).container);
  }

  /** A value is whole. */
  #put(value: unknown): void {
    const open = this.#open.at(-1);
    if (open === undefined) this.#value = value;
    else if (Array.isArray(open.container)) {
      open.container.push(value);
      if (this.#open.length === 1) this.#spans.push([this.#start, this.#at]);
    } else if (open.key === "__proto__") Object.defineProperty(open.container, open.key, { value, ...PLAIN });
    else open.container[open.key] = value;
    this.#next = "after";
  }

  #after(): void {
    const isArray = Array.isArray(this.#open.at(-1)?.container);
    if (this.#takes(COMMA)) this.#next = isArray ? "value" : "key";
    else if (this.#takes(isArray ? CLOSE_BRACKET : CLOSE_BRACE)) this.#close();
    else throw new Refused("not_json");
  }

  #key(): void {
    const open = this.#open.at(-1) as Open;
    if (this.#string === -1 && this.#text.charCodeAt(this.#at) !== QUOTE) throw new Refused("not_json");
    const key = this.#readString();
    if (key === null) return;
    if (Object.hasOwn(open.container, key)) throw new Refused("duplicate_key");
    open.key = key;
    this.#next = "colon";
  }

  #colon(): void {
    if (!this.#takes(COLON)) throw new Refused("not_json");
    this.#next = "value";
  }

  /** The string at hand; null: there is more of it. */
  #readString(): string | null {
    const text = this.#text;
    if (this.#string === -1) this.#string = ++this.#at;
    const end = Math.min(text.length, this.#at + PIECE);
    let at = this.#at;
    let escapeAt = Number.NEGATIVE_INFINITY;
    for (; at < end; at++) {
      const unit = text.charCodeAt(at);
      if (unit === QUOTE) return this.#endString(at);
      if (unit < SPACE) throw new Refused("not_json");
      if (unit === BACKSLASH) {
        this.#escaped = true;
        escapeAt = at++;
      }
    }
    if (at >= text.length) throw new Refused("not_json");
    this.#left -= PIECE / STEP_CHARS;
    // An escape is not cut in two.
    this.#at = at - escapeAt < ESCAPE ? escapeAt : at;
    if (this.#escaped) this.#resolve(this.#at);
    return null;
  }

  #endString(end: number): string {
    if (this.#escaped) this.#resolve(end);
    const string = this.#escaped ? this.#before : this.#text.slice(this.#string, end);
    this.#left -= (end - this.#at) / STEP_CHARS;
    this.#string = -1;
    this.#before = "";
    this.#escaped = false;
    this.#at = end + 1;
    return string;
  }

  #resolve(end: number): void {
    this.#before += unescaped(this.#text.slice(this.#string, end));
    this.#string = end;
  }

  #scalar(): number | boolean | null {
    NUMBER.lastIndex = this.#at;
    const [number] = NUMBER.exec(this.#text) ?? [];
    if (number !== undefined) {
      this.#at += number.length;
      return Number(number);
    }
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    throw new Refused("not_json");
  }

  #takes(character: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== character) return false;
    this.#at++;
    return true;
  }

  /** Goes past space; true: there may be more of it. */
  #space(): boolean {
    const from = this.#at;
    for (const end = from + PIECE; this.#at < end; this.#at++) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== SPACE && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return false;
    }
    this.#left -= PIECE / STEP_CHARS;
    return true;
  }
}

const PLAIN = { enumerable: true, configurable: true, writable: true } as const;

/** Strings alone are read by V8 as everybody reads them. */
function unescaped(inside: string): string {
  try {
    return JSON.parse(`"${inside}"`) as string;
  } catch {
    throw new Refused("not_json");
  }
}
