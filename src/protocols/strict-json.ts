// JSON whose every reader reads the same: RFC 8259 without what parsers differ in. A key that stands twice in an
// object is refused, since some take the first and some the last; and V8's own JSON.parse misreads an escaped key
// after certain objects before it (nodejs/node#63785), so it is not asked for objects at all. For messages that are
// judged here and acted upon elsewhere.

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

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORDS = new Map<string, boolean | null>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

/** Reads `text` whole. Linear in its length. */
export function readStrictJson(text: string): ReadJson | Unreadable {
  const reader = new Reader(text);
  try {
    return { value: reader.whole(), spans: reader.spans };
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

class Reader {
  readonly spans: (readonly [number, number])[] = [];
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): unknown {
    this.#space();
    const value = this.#value();
    this.#space();
    if (this.#at !== this.#text.length) throw new Refused("not_json");
    return value;
  }

  #value(): unknown {
    switch (this.#text.charCodeAt(this.#at)) {
      case QUOTE:
        return this.#string();
      case OPEN_BRACE:
        return this.#within(() => this.#object());
      case OPEN_BRACKET:
        return this.#within(() => this.#array());
      default:
        return this.#scalar();
    }
  }

  #within<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new Refused("too_deep");
    this.#at++;
    this.#space();
    const value = read();
    this.#depth--;
    return value;
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    if (this.#takes(CLOSE_BRACE)) return object;
    do {
      this.#space();
      if (this.#text.charCodeAt(this.#at) !== QUOTE) throw new Refused("not_json");
      const key = this.#string();
      if (Object.hasOwn(object, key)) throw new Refused("duplicate_key");
      this.#space();
      if (!this.#takes(COLON)) throw new Refused("not_json");
      this.#space();
      const value = this.#value();
      if (key === "__proto__")
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      else object[key] = value;
      this.#space();
    } while (this.#takes(COMMA));
    if (!this.#takes(CLOSE_BRACE)) throw new Refused("not_json");
    return object;
  }

  #array(): unknown[] {
    const array: unknown[] = [];
    if (this.#takes(CLOSE_BRACKET)) return array;
    do {
      this.#space();
      const start = this.#at;
      array.push(this.#value());
      if (this.#depth === 1) this.spans.push([start, this.#at]);
      this.#space();
    } while (this.#takes(COMMA));
    if (!this.#takes(CLOSE_BRACKET)) throw new Refused("not_json");
    return array;
  }

  #string(): string {
    const open = this.#at;
    const text = this.#text;
    let escaped = false;
    for (let at = open + 1; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit === QUOTE) {
        this.#at = at + 1;
        return escaped ? unescaped(text.slice(open, at + 1)) : text.slice(open + 1, at);
      }
      if (unit < SPACE) break;
      if (unit === BACKSLASH) {
        escaped = true;
        at++;
      }
    }
    throw new Refused("not_json");
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

  #space(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== SPACE && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.#at++;
    }
  }
}

/** Strings alone are read by V8 as everybody reads them. */
function unescaped(json: string): string {
  try {
    return JSON.parse(json) as string;
  } catch {
    throw new Refused("not_json");
  }
}
