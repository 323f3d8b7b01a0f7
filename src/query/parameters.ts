// Queries as URL parameters: `model=gpt-*&status!=success&total_tokens>=1000&since=2h`. REST, the live feed, exports and
// the CLI all go through here, and so does the dashboard's address bar.
import type { DaybookError } from "../event/errors.ts";
import { COLUMN, FIELDS, type FieldSpec, isFieldName } from "../event/fields.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { DEFAULT_LIMIT, type EventFilter, type EventQuery, MAX_LIMIT, MAX_OFFSET } from "./filter.ts";
import { type Comparison, filterOf, hintFor, type Term, termsOf } from "./terms.ts";
import { textTerms } from "./text.ts";
import { refused, shown, Unfit, wholeNumber } from "./values.ts";
import { ALIASES, OTHER_NAMES, PARAMETERS, type ParameterSpec } from "./vocabulary.ts";

type Part = ParameterSpec["part"];

/** `name!=value`, `name>=value`, `name<=value`; and `name>value`, `name<value`, which have no `=` for a URL. */
const GIVEN = /^([^!<>]*)(!|>|<)?(.*)$/s;
const PAGING: ReadonlySet<string> = new Set(["limit", "page_size", "page", "offset", "cursor"]);

/** The query of a list. Throws `bad_query`, saying which parameter and what it takes, or `bad_cursor`. */
export function parseQuery(parameters: URLSearchParams, now: number): EventQuery {
  const filter = parse(parameters, now, ["filter", "url", "page"]);
  try {
    return { ...filter, ...pageOf(parameters) };
  } catch (error) {
    throw error instanceof Unfit ? refused(error.message) : error;
  }
}

/** The filter of counts, sums, feeds and exports. Throws `bad_query`. */
export function parseFilter(parameters: URLSearchParams, now: number): EventFilter {
  return parse(parameters, now, ["filter", "url"]);
}

/** Throws `bad_query` when there is any parameter at all. */
export function refuseParameters(parameters: URLSearchParams): void {
  parse(parameters, 0, []);
}

/** The parameters that `parseFilter` reads as `filter`. Bounds are absolute: they mean the same at any time. */
export function writeFilter(filter: EventFilter): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const { name, is, values, isNot } of termsOf(filter)) {
    const sign = isNot ? "!" : is === ":" ? "" : is.charAt(0);
    for (const value of values) parameters.append(`${name}${sign}`, value);
  }
  return parameters;
}

/** The parameters that `parseQuery` reads as `query`. */
export function writeQuery(query: EventQuery): URLSearchParams {
  const parameters = writeFilter(query);
  const { limit, after, asOf, offset } = query;
  parameters.set("limit", String(limit));
  if (offset !== undefined) parameters.set("offset", String(offset));
  if (after !== undefined && asOf !== undefined) parameters.set("cursor", encodeCursor({ after, asOf }));
  return parameters;
}

function parse(parameters: URLSearchParams, now: number, parts: readonly Part[]): EventFilter {
  const terms: Term[] = [];
  for (const [given, text] of parameters) {
    const [, name = "", sign, rest = ""] = GIVEN.exec(given) ?? [];
    const isKnown = OTHER_NAMES.includes(name)
      ? parts.includes("filter")
      : PARAMETERS.some((parameter) => parameter.name === name && parts.includes(parameter.part));
    if (!isKnown) throw unknownParameter(name === "" ? given : name, parts);
    if (PAGING.has(name) || name === "q") {
      if (sign !== undefined) throw refused(`${name} takes no ${sign}.`);
      if (name === "q") terms.push(...textTerms(text));
    } else {
      terms.push(termOf(name, sign, rest, text));
    }
  }
  return filterOf(terms, now);
}

function termOf(name: string, sign: string | undefined, rest: string, text: string): Term {
  if (sign === undefined) return { name, is: ":", values: [text], isNot: false };
  if (sign === "!") {
    if (rest !== "") throw refused(`What follows ${name}! must be =, as in ${name}!=value.`);
    return { name, is: ":", values: [text], isNot: true };
  }
  const is = (rest === "" ? `${sign}=` : sign) as Comparison;
  const value = text === "" ? rest : rest === "" ? text : `${rest}=${text}`;
  return { name, is, values: [value], isNot: false };
}

function pageOf(parameters: URLSearchParams): Omit<EventQuery, keyof EventFilter> {
  const [limitText, sizeText] = [single(parameters, "limit"), single(parameters, "page_size")];
  if (limitText !== undefined && sizeText !== undefined)
    throw new Unfit("limit and page_size are the same: once is enough.");
  const size = limitText === undefined ? "page_size" : "limit";
  const text = limitText ?? sizeText;
  const limit = text === undefined ? DEFAULT_LIMIT : wholeNumber(size, text, 1, MAX_LIMIT);
  const cursor = single(parameters, "cursor");
  const offset = offsetOf(parameters, limit);
  if (cursor === undefined) return { limit, ...(offset === 0 ? {} : { offset }) };
  if (offset > 0)
    throw new Unfit("With a cursor there is no offset or page: the cursor says where to go on.");
  return { limit, ...decodeCursor(cursor) };
}

function offsetOf(parameters: URLSearchParams, limit: number): number {
  const [offsetText, pageText] = [single(parameters, "offset"), single(parameters, "page")];
  if (offsetText !== undefined && pageText !== undefined)
    throw new Unfit("offset and page both say where to begin: one is enough.");
  const offset =
    pageText === undefined
      ? wholeNumber("offset", offsetText ?? "0", 0, Number.MAX_SAFE_INTEGER)
      : (wholeNumber("page", pageText, 1, Number.MAX_SAFE_INTEGER) - 1) * limit;
  if (offset <= MAX_OFFSET) return offset;
  throw new Unfit(
    `${pageText === undefined ? "offset" : "page"} leads beyond the first ${MAX_OFFSET} events: follow cursor, in the Link header, which has no end.`,
  );
}

/** The value of a parameter that can be given once. */
function single(parameters: URLSearchParams, name: string): string | undefined {
  const texts = parameters.getAll(name);
  if (texts.length > 1) throw new Unfit(`${name} is given ${texts.length} times: once is enough.`);
  return texts[0];
}

function unknownParameter(given: string, parts: readonly Part[]): DaybookError {
  if (isFieldName(given) && (FIELDS[COLUMN[given]] as FieldSpec).type === "json")
    return refused(`${given} holds JSON and cannot be filtered by.`);
  if (parts.length === 0) return refused(`There is no parameter ${shown(given)} here: this path takes none.`);
  const names = [
    ...PARAMETERS.filter(({ part }) => parts.includes(part)).map(({ name }) => name),
    ...ALIASES.keys(),
  ];
  return refused(`There is no parameter ${shown(given)} here.${hintFor(given, names)}`);
}
