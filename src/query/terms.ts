// A query as its terms: what the parameters of a URL and a line of text have in common. Both are read into terms, and
// terms into the typed filter; and a filter is written as terms, and these as either.
import { closest, distance } from "fastest-levenshtein";
import { COLUMN, FIELDS, type FieldName, type FieldSpec, isFieldName } from "../event/fields.ts";
import { isoTime } from "../event/json.ts";
import type { EventFilter, Match, Range } from "./filter.ts";
import { escapeGlob, globParts } from "./glob.ts";
import { BOUND_FORMS, parseBound } from "./instants.ts";
import { matchOf, rangeOf, refused, shown, Unfit, writeCell, writeMatch } from "./values.ts";
import { ALIASES, NAMED_ACTIONS, OTHER_NAMES, PARAMETERS } from "./vocabulary.ts";

export type Comparison = ":" | ">" | ">=" | "<" | "<=";

export interface Term {
  /** Ours, or another name for it (vocabulary.ts). */
  readonly name: string;
  readonly is: Comparison;
  /** Any of these; one where `is` compares. */
  readonly values: readonly string[];
  readonly isNot: boolean;
  /** Where it stands in a text, from 0 on. */
  readonly at?: number;
}

/** Each is a branch of a condition, and how deep those may be is limited (SQLite: 1000). */
const MAX_LOOSE = 200;
/** Longer than any value that is looked into. */
const MAX_WORD = 500;

const FILTER_NAMES = PARAMETERS.filter(({ part }) => part === "filter").map(({ name }) => name);

interface Draft {
  readonly where: Partial<Record<FieldName, Match[]>>;
  readonly not: Partial<Record<FieldName, Match[]>>;
  readonly within: Partial<Record<FieldName, Range>>;
  readonly text: string[];
  readonly notText: string[];
  since?: number;
  until?: number;
  includeSystem?: true;
}

/** Throws `bad_query`, which says where the term stands that cannot be. */
export function filterOf(terms: Iterable<Term>, now: number): EventFilter {
  const draft: Draft = { where: {}, not: {}, within: {}, text: [], notText: [] };
  const given = new Map<string, number>();
  for (const term of terms) {
    try {
      for (const ours of inOurWords(term)) add(draft, ours, now, given);
    } catch (error) {
      throw error instanceof Unfit ? refused(error.message, term.at) : error;
    }
  }
  const loose = [...Object.values(draft.where), ...Object.values(draft.not)].flat();
  const count = loose.filter((match) => typeof match === "object" && match !== null).length;
  if (count + draft.text.length + draft.notText.length > MAX_LOOSE)
    throw refused(`A query has at most ${MAX_LOOSE} stars, ranges and words to look for.`);
  for (const [name, times] of given)
    if (times > 1) throw refused(`${name} is given ${times} times: once is enough.`);
  if (draft.since !== undefined && draft.until !== undefined && draft.since > draft.until)
    throw refused("since is later than until: no event can be between.");
  const { where, not, within, text, notText, ...times } = draft;
  return {
    where,
    ...(Object.keys(not).length === 0 ? {} : { not }),
    ...(Object.keys(within).length === 0 ? {} : { within }),
    ...(text.length === 0 ? {} : { text }),
    ...(notText.length === 0 ? {} : { notText }),
    ...times,
  };
}

/** What `filterOf` reads as `filter`, whatever the time. */
export function* termsOf(filter: EventFilter): Generator<Term> {
  const { where, not = {}, within = {}, text = [], notText = [], since, until, includeSystem } = filter;
  for (const [lists, isNot] of [
    [where, false],
    [not, true],
  ] as const)
    for (const [name, list] of Object.entries(lists))
      yield { name, is: ":", values: list.map((match) => writeMatch(name, match)), isNot };
  for (const [name, { least, most }] of Object.entries(within)) {
    if (least !== undefined) yield { name, is: ">=", values: [writeCell(name, least)], isNot: false };
    if (most !== undefined) yield { name, is: "<=", values: [writeCell(name, most)], isNot: false };
  }
  for (const word of text) yield { name: "text", is: ":", values: [escapeGlob(word)], isNot: false };
  for (const word of notText) yield { name: "text", is: ":", values: [escapeGlob(word)], isNot: true };
  const single = (name: string, value: string): Term => ({ name, is: ":", values: [value], isNot: false });
  if (since !== undefined) yield single("since", isoTime(since));
  if (until !== undefined) yield single("until", isoTime(until));
  if (includeSystem) yield single("include", "system");
}

/** ` Did you mean model?`, or nothing. */
export function hintFor(given: string, names: readonly string[]): string {
  const nearest = closest(given, [...names]);
  return distance(given, nearest) <= Math.max(2, given.length / 2) ? ` Did you mean ${nearest}?` : "";
}

/** Every name that a term may have. */
export const TERM_NAMES: readonly string[] = [...new Set([...FILTER_NAMES, ...OTHER_NAMES])];

function inOurWords(term: Term): Term[] {
  const { name, is, values, isNot } = term;
  if (NAMED_ACTIONS.has(name)) {
    if (isNot) throw new Unfit(`Not ${name} would be two things: say -action:${name} or -name:…`);
    return [
      { name: "action", is: ":", values: [name], isNot },
      { name: "name", is, values, isNot },
    ];
  }
  if (name !== "success") return [{ ...term, name: ALIASES.get(name) ?? name }];
  const [value] = values;
  if (values.length !== 1 || is !== ":" || (value !== "true" && value !== "false"))
    throw new Unfit(`success must be true or false, not ${shown(values.join(" "))}.`);
  return [{ name: "status", is, values: ["success"], isNot: isNot === (value === "true") }];
}

function add(draft: Draft, term: Term, now: number, given: Map<string, number>): void {
  const { name, is, values, isNot } = term;
  if (isFieldName(name)) {
    addField(draft, name, term, now);
    return;
  }
  if (!FILTER_NAMES.includes(name))
    throw new Unfit(
      `There is no ${shown(name)}.${hintFor(name, TERM_NAMES)} To look for it as text, put it in quotes.`,
    );
  if (is !== ":") throw new Unfit(`${name} takes no ${is}.`);
  if (name === "text") {
    for (const value of values) {
      const word = plainText(value);
      if (word === "") throw new Unfit("text needs something to look for.");
      if (word.length > MAX_WORD) throw new Unfit(`text takes at most ${MAX_WORD} characters.`);
      const words = isNot ? draft.notText : draft.text;
      if (!words.includes(word)) words.push(word);
    }
    return;
  }
  if (isNot) throw new Unfit(`${name} cannot be turned round.`);
  for (const value of values) {
    if (name === "include") {
      if (value !== "system") throw new Unfit(`include can only be system, not ${shown(value)}.`);
      draft.includeSystem = true;
      continue;
    }
    given.set(name, (given.get(name) ?? 0) + 1);
    const instant = parseBound(value, now, name === "since" ? "up" : "down");
    if (instant === null) throw new Unfit(`${name} must be ${BOUND_FORMS}, not ${shown(value)}.`);
    narrow(draft, name === "since" ? { least: instant } : { most: instant });
  }
}

function addField(draft: Draft, name: FieldName, { is, values, isNot }: Term, now: number): void {
  const spec = FIELDS[COLUMN[name]] as FieldSpec;
  if (spec.type === "json") throw new Unfit(`${name} holds JSON and cannot be filtered by.`);
  const lists = isNot ? draft.not : draft.where;
  if (is === ":") {
    for (const value of values) addMatch(lists, name, matchOf(spec, value, now));
    return;
  }
  const [value = ""] = values;
  if (values.length !== 1) throw new Unfit(`${name} can be ${is} one number only.`);
  const range = rangeOf(spec, is, value, now);
  if (isNot) addMatch(lists, name, range);
  else if (name === "recorded_at") narrow(draft, range);
  else draft.within[name] = intersection(name, draft.within[name] ?? {}, range);
}

function addMatch(lists: Draft["where"], name: FieldName, match: Match): void {
  lists[name] ??= [];
  if (!lists[name].some((other) => isSame(other, match))) lists[name].push(match);
}

function isSame(one: Match, other: Match): boolean {
  return one === other || (typeof one === "object" && JSON.stringify(one) === JSON.stringify(other));
}

/** Times are bounded by since and until, however it is said. */
function narrow(draft: Draft, { least, most }: Range): void {
  if (least !== undefined) draft.since = Math.max(draft.since ?? 0, least);
  if (most !== undefined) draft.until = Math.min(draft.until ?? most, most);
}

function intersection(name: string, one: Range, other: Range): Range {
  const least = Math.max(one.least ?? -1, other.least ?? -1);
  const most = Math.min(one.most ?? Number.POSITIVE_INFINITY, other.most ?? Number.POSITIVE_INFINITY);
  if (least > most) throw new Unfit(`${name} cannot be at least ${least} and at most ${most}.`);
  return { ...(least < 0 ? {} : { least }), ...(most === Number.POSITIVE_INFINITY ? {} : { most }) };
}

/** Free text has no stars; what is written for other values means the same here. */
function plainText(text: string): string {
  return globParts(text).join("*");
}
