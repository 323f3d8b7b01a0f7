// Queries as people write them: `status:error model:claude-* tokens>1000 -model:gpt-* since:2h`. The grammar is
// text.peggy; names and values mean what they mean in a URL. A refusal says where, what was expected, and the nearest
// name; its `cause.at` is the offset in the text.
import type { DaybookError } from "../event/errors.ts";
import type { EventFilter } from "./filter.ts";
import { filterOf, type Term, termsOf } from "./terms.ts";
import { SyntaxError as GrammarError, parse } from "./text-grammar.ts";
import { refused, shown } from "./values.ts";

/** Longer lines nobody writes. */
const MAX_LENGTH = 8192;

const PLAIN_VALUE = /^[^\s()"<>=!][^\s()"]*$/;
const PLAIN_WORD = /^[^\s()":=<>!-][^\s()":=<>!]*$/;

/** The filter that a text means. Throws `bad_query`. */
export function parseText(text: string, now: number): EventFilter {
  return filterOf(textTerms(text), now);
}

/** The text that `parseText` reads as `filter`, whatever the time. */
export function writeText(filter: EventFilter): string {
  return [...termsOf(filter)].map(written).join(" ");
}

/** The terms of a text, each with its offset. Throws `bad_query`. */
export function textTerms(text: string): Term[] {
  if (text.length > MAX_LENGTH) throw refused(`A query has at most ${MAX_LENGTH} characters.`);
  try {
    return parse(text, {}) as Term[];
  } catch (error) {
    if (error instanceof GrammarError) throw refusal(text, error as unknown as Fault);
    throw error;
  }
}

interface Fault {
  readonly expected: readonly {
    readonly type: string;
    readonly description?: string;
    readonly text?: string;
  }[];
  readonly location: { readonly start: { readonly offset: number } };
}

function refusal(text: string, { expected, location }: Fault): DaybookError {
  const at = location.start.offset;
  const hasQuote = at < text.length && text.charAt(at) === '"';
  if (hasQuote) return refused("The quote that begins here has no end.", at);
  const wanted = expected.flatMap(({ type, description, text: literal }) => {
    if (type === "other" && description !== "a space") return description ?? [];
    return type === "literal" && literal === ")" ? '")"' : [];
  });
  const list = new Intl.ListFormat("en", { type: "disjunction" }).format([...new Set(wanted)]);
  const found = at < text.length ? shown(text.slice(at)) : "the end";
  return refused(`Expected ${list}, not ${found}. Put what has spaces or parentheses in quotes.`, at);
}

function written({ name, is, values, isNot }: Term): string {
  const sign = isNot ? "-" : "";
  if (name === "text") return values.map((word) => sign + quoted(word, PLAIN_WORD)).join(" ");
  const list = values.map((value) => quoted(value, PLAIN_VALUE));
  return `${sign}${name}${is}${list.length === 1 ? list[0] : `(${list.join(" ")})`}`;
}

function quoted(text: string, plain: RegExp): string {
  return plain.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`;
}
