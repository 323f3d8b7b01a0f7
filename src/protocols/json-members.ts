// Where the members of a JSON object stand in its text, so that one of them can be read or replaced while every
// other byte stays as the client wrote it: parsing and writing again would change numbers, order and spacing.
// Nothing here checks the text; JSON.parse has accepted it before (RFC 8259).

/** A member of an object: its key, escapes resolved, and the span of its value in the text. */
export interface Member {
  readonly key: string;
  /** The key is written with escapes. */
  readonly escaped: boolean;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

/** Whether a value that JSON.parse gave is an object (RFC 8259, section 4). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The members of the outermost object of `text`, in order, duplicates included. `text` is valid JSON. */
export function topLevelMembers(text: string): Member[] {
  const members: Member[] = [];
  // Between two members only spaces and a comma can stand, so the next quote opens the next key.
  for (let open = text.indexOf('"'); open !== -1; ) {
    const close = stringEnd(text, open);
    const start = valueStart(text, close);
    const end = valueEnd(text, start);
    const written = text.slice(open + 1, close - 1);
    const escaped = written.includes("\\");
    members.push({ key: escaped ? (JSON.parse(`"${written}"`) as string) : written, escaped, start, end });
    open = text.indexOf('"', end);
  }
  return members;
}

/** The first key that comes a second time, or null. */
export function duplicateKey(members: readonly Member[]): string | null {
  const seen = new Set<string>();
  for (const { key } of members) {
    if (seen.has(key)) return key;
    seen.add(key);
  }
  return null;
}

/**
 * `text` with each key of `values` set to its JSON text: the value's span is replaced, or the member is put first.
 * Every other character stays. Takes all changes at once, because each one moves the spans behind it.
 */
export function setMembers(
  text: string,
  members: readonly Member[],
  values: ReadonlyMap<string, string>,
): string {
  const present = new Set(members.map(({ key }) => key));
  const added = [...values]
    .filter(([key]) => !present.has(key))
    .map(([key, json]) => `${JSON.stringify(key)}:${json}`);
  const inside = text.indexOf("{") + 1;
  let result = text.slice(0, inside) + added.join(",");
  if (added.length > 0 && members.length > 0) result += ",";
  let copied = inside;
  for (const { key, start, end } of members) {
    const json = values.get(key);
    if (json === undefined) continue;
    result += text.slice(copied, start) + json;
    copied = end;
  }
  return result + text.slice(copied);
}

/** The value of the member whose key ends at `keyEnd`. */
export function valueText(text: string, keyEnd: number): string {
  const start = valueStart(text, keyEnd);
  return text.slice(start, valueEnd(text, start));
}

/** Just past the string whose opening quote is at `open`. A quote ends it unless an odd run of backslashes stands before. */
export function stringEnd(text: string, open: number): number {
  for (let quote = text.indexOf('"', open + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let before = quote - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((quote - before) % 2 === 1) return quote + 1;
  }
  return text.length;
}

/** First character of the value whose key ends at `keyEnd`. */
function valueStart(text: string, keyEnd: number): number {
  let at = text.indexOf(":", keyEnd) + 1;
  while (text.charCodeAt(at) <= SPACE) at++;
  return at;
}

function valueEnd(text: string, start: number): number {
  switch (text.charCodeAt(start)) {
    case QUOTE:
      return stringEnd(text, start);
    case OPEN_BRACE:
    case OPEN_BRACKET:
      return containerEnd(text, start);
    default:
      return scalarEnd(text, start);
  }
}

/** Just past the bracket that closes the one at `start`; strings are hopped over, however long. */
function containerEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = stringEnd(text, at) - 1;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth++;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (--depth === 0) return at + 1;
    }
  }
  return text.length;
}

/** Just past the number, `true`, `false` or `null` at `start`. */
function scalarEnd(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character <= SPACE || character === COMMA || character === CLOSE_BRACE) return at;
  }
  return text.length;
}
