// Values in running text that a name before them gives away: `name=value`, `name: value`, `"name": "value"`,
// header lines, YAML, query parameters, percent-encoded or escaped. Linear in the text: a label is looked for
// a bounded way back, and what is read ahead as its value is passed over afterwards.
import { classifyName, hides, type NameClass, splitWords } from "./redaction-names.ts";
import { REDACTED, type RedactedText } from "./redaction-patterns.ts";

const SEPARATOR = /[:=\uff1a]=?>?|%3[ad]/gi;
const LOOK_BACK = 64;

interface Label {
  readonly name: string;
  readonly nameClass: NameClass;
  readonly separator: string;
  /** The quote right before the name, or "". */
  readonly quote: string;
  /** Whether a quote or bracket ends the name, as in JSON. */
  readonly closed: boolean;
  /** How far the name is indented when it begins its line; -1 when it does not. */
  readonly indent: number;
}

/** Redacts every value that has a hiding name before it. One pass: see `settle`. */
export function redactLabelled(text: string): RedactedText {
  const separators = new RegExp(SEPARATOR);
  let redactions = 0;
  let out = "";
  let from = 0;
  for (let match = separators.exec(text); match !== null; match = separators.exec(text)) {
    const label = labelBefore(text, match.index, match[0], from);
    if (label === null) continue;
    const [start, end] = valueAfter(text, label, separators.lastIndex);
    const value = text.slice(start, end);
    if (value === "") continue;
    // A count or flag is its first word: `max_tokens: 100, at most`.
    const word = isQuote(text[start - 1]) ? value : (/^[^\s,;&]*/.exec(value)?.[0] ?? "");
    const shown = !hides(label.nameClass, typed(word));
    separators.lastIndex = shown ? start + word.length : end;
    if (shown || value === REDACTED) continue;
    out += text.slice(from, start) + REDACTED;
    from = end;
    redactions++;
  }
  return { text: out + text.slice(from), redactions };
}

/** The name that ends at `at`, when it may hide its value. Looks back at most `LOOK_BACK`, and never before `from`. */
function labelBefore(text: string, at: number, separator: string, from: number): Label | null {
  if (separator === ":" && text.startsWith("//", at + 1)) return null;
  const least = Math.max(from, at - LOOK_BACK);
  let end = at;
  while (end > least && isBlank(text[end - 1])) end--;
  if (end > least && text[end - 1] === "]") end--;
  const closed = end > least && isQuote(text[end - 1]);
  if (closed) end--;
  while (end > least && text[end - 1] === "\\") end--;
  let start = wordStart(text, end, least);
  // A percent-encoded `?` or `&` before a name leaves its two digits there.
  if (text[start - 1] === "%" && end - start > 2) start += 2;
  const word = text.slice(start, end);
  let nameClass = classifyName(word);
  // `Credit card:` and `Primary key:` are names too; of three words at most.
  if ((closed || separator === ":") && (nameClass === "plain" || splitWords(word).length === 1)) {
    start = phraseStart(text, start, least);
    nameClass = classifyName(text.slice(start, end));
  }
  if (nameClass === "plain") return null;
  const before = text[start - 1] ?? "";
  return {
    name: text.slice(start, end),
    nameClass,
    separator,
    quote: isQuote(before) ? before : "",
    closed,
    indent: indentOf(text, start),
  };
}

/** Where the name begins when the one or two words before `start` belong to it. */
function phraseStart(text: string, start: number, least: number): number {
  let first = start;
  for (let words = 1; words < 3 && first > least && text[first - 1] === " "; words++) {
    const before = wordStart(text, first - 1, least);
    if (before === first - 1) break;
    first = before;
  }
  return first;
}

function wordStart(text: string, end: number, least: number): number {
  let start = end;
  while (start > least && isNameCharacter(text.charCodeAt(start - 1))) start--;
  return start;
}

/** Columns before `start` when only spaces, list and quote marks stand there; -1 otherwise. */
function indentOf(text: string, start: number): number {
  let at = start;
  while (at > 0 && start - at < LOOK_BACK && /[ \t>*-]/.test(text[at - 1] ?? "")) at--;
  return at === 0 || isLineBreak(text[at - 1]) ? start - at : -1;
}

/** `[start, end)` of the label's value: quoted, in brackets, the rest of the line or block, or one word. */
function valueAfter(text: string, label: Label, at: number): readonly [number, number] {
  let start = at;
  while (start < at + LOOK_BACK && isBlank(text[start])) start++;
  let open = start;
  while (open < start + 8 && text[open] === "\\") open++;
  const quote = text[open] ?? "";
  if (isQuote(quote)) return [open + 1, quoteEnd(text, quote, open + 1, open - start)];
  const marked = text.startsWith(REDACTED, start);
  const brackets = marked ? start + REDACTED.length : bracketsEnd(text, start);
  if (label.closed) return [start, brackets > start ? brackets : run(text, /[^\s"'`,}\]]*/y, start)];
  const colon = label.separator === ":" || label.separator === "\uff1a";
  if (colon && label.quote !== "") {
    const close = text.indexOf(label.quote, start);
    return [start, Math.max(brackets, close < 0 ? text.length : close)];
  }
  if (isHeader(label.name)) return [start, Math.max(brackets, lineEnd(text, start))];
  if (label.indent >= 0 && (colon || start > at))
    return [start, Math.max(brackets, blockEnd(text, start, label))];
  if (brackets > start && !marked) return [start, brackets];
  const word = label.separator.startsWith("%") ? /(?:(?!%26)[^\s"'`&;<])*/y : /[^\s"'`&;<]*/y;
  return [start, run(text, word, brackets)];
}

/** Where `pattern`, sticky, ends from `at` on. */
function run(text: string, pattern: RegExp, at: number): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}

/** The end of a quoted value: the first quote that is escaped no more than the opening one. */
function quoteEnd(text: string, quote: string, from: number, escapes: number): number {
  for (let at = text.indexOf(quote, from); at >= 0; at = text.indexOf(quote, at + 1)) {
    let backslashes = 0;
    while (backslashes <= escapes && at - backslashes > from && text[at - 1 - backslashes] === "\\")
      backslashes++;
    if (backslashes <= escapes) return at - backslashes;
  }
  return text.length;
}

/** Behind the bracket that closes the one at `start`, or the end of the text; `start` where there is none. */
function bracketsEnd(text: string, start: number): number {
  if (text[start] !== "[" && text[start] !== "{") return start;
  const marks = /["[\]{}]/g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    if (mark[0] === '"') marks.lastIndex = quoteEnd(text, '"', marks.lastIndex, 0) + 1;
    else depth += mark[0] === "[" || mark[0] === "{" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return text.length;
}

/** The end of the line without the blanks there. */
function lineEnd(text: string, start: number): number {
  return start + text.slice(start, run(text, /[^\r\n]*/y, start)).trimEnd().length;
}

/** The end of the line, or of the deeper lines below when the value stands there, as YAML writes it. */
function blockEnd(text: string, start: number, { name, indent }: Label): number {
  const end = lineEnd(text, start);
  if (name.includes(" ") || !/^(?:[|>][-+\d]{0,2})?$/.test(text.slice(start, end))) return end;
  const line = /[^\S\r\n]*\r?\n([ \t]*)([^\r\n]*)/y;
  let last = end;
  line.lastIndex = end;
  for (let next = line.exec(text); next !== null; next = line.exec(text)) {
    const [, spaces = "", rest = ""] = next;
    if (rest !== "" && spaces.length <= indent) break;
    if (rest !== "") last = line.lastIndex;
  }
  return start + text.slice(start, last).trimEnd().length;
}

/** Headers whose values hold spaces and semicolons. */
function isHeader(name: string): boolean {
  return splitWords(name).some(
    (word) => word.endsWith("authorization") || word === "cookie" || word === "cookies",
  );
}

/** Booleans as such; other words without the punctuation behind them. */
function typed(value: string): string | boolean {
  const word = value.length > 64 ? value : value.replace(/[,;.)}\]]{1,8}$/, "");
  return word === "true" || (word === "false" ? false : word);
}

function isNameCharacter(code: number): boolean {
  if (code < 0x80)
    return (
      (code >= 48 && code <= 57) ||
      (code >= 65 && code <= 90) ||
      (code >= 97 && code <= 122) ||
      code === 95 ||
      code === 45 ||
      code === 46 ||
      code === 36
    );
  return code >= 0xc0 && !(code >= 0x2000 && code <= 0x206f) && code !== 0x3000 && code < 0xff00;
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}

function isQuote(character: string | undefined): boolean {
  return character === '"' || character === "'" || character === "`";
}

function isLineBreak(character: string | undefined): boolean {
  return character === "\n" || character === "\r";
}
