// The explorer's state is its address: the filter in the API's own words, a range that stays relative, the columns, the
// saved view that it came from, the event that is open, and whether it is live. What is not the API's is never sent to it.

import { visible } from "#lib/text.ts";
import { type FieldName, isFieldName } from "../../../../src/event/fields.ts";
import type { EventFilter, Match, Matches } from "../../../../src/query/filter.ts";
import { parseFilter, writeFilter } from "../../../../src/query/parameters.ts";
import { filterOf, type Term, termsOf } from "../../../../src/query/terms.ts";
import { textTerms } from "../../../../src/query/text.ts";
import { ALIASES } from "../../../../src/query/vocabulary.ts";

export interface Address {
  /** Without times. */
  readonly filter: EventFilter;
  /** As it stands in the address: `24h`, an instant, or `0` for all time. */
  readonly since: string;
  readonly until: string | null;
  /** The event that is open. */
  readonly open: string | null;
  readonly live: boolean;
  /** null: those that this browser prefers. */
  readonly columns: readonly FieldName[] | null;
  /** Id of the saved view that it came from. */
  readonly view: string | null;
}

export const USUAL_SINCE = "24h";
export const ALL_TIME = "0";

const OWN = ["open", "live", "columns", "view"] as const;

/** Throws `bad_query` for a filter that cannot be. */
export function readAddress(search: URLSearchParams): Address {
  const asked = new URLSearchParams(search);
  const columns = asked.get("columns")?.split(",").filter(isFieldName) ?? [];
  const own = {
    open: asked.get("open"),
    live: asked.get("live") === "1",
    columns: columns.length > 0 ? [...new Set(columns)] : null,
    view: asked.get("view"),
  };
  for (const name of OWN) asked.delete(name);
  const [since, until] = [asked.get("since") ?? USUAL_SINCE, asked.get("until")];
  const { since: _since, until: _until, ...filter } = parseFilter(asked, Date.now());
  return { filter, since, until, ...own };
}

/** The search part of the address. */
export function writeAddress({ filter, since, until, open, live, columns, view }: Address): string {
  const search = writeFilter(filter);
  if (since !== USUAL_SINCE) search.set("since", since);
  if (until !== null) search.set("until", until);
  if (columns !== null) search.set("columns", columns.join(","));
  if (view !== null) search.set("view", view);
  if (live) search.set("live", "1");
  if (open !== null) search.set("open", open);
  return `?${search}`;
}

/** The whole filter at this moment: what is asked of the API. */
export function filterAt(
  { filter, since, until }: Address,
  now: number,
): EventFilter & { readonly since: number } {
  const times = new URLSearchParams({ since, ...(until === null ? {} : { until }) });
  return { ...filter, since: 0, ...parseFilter(times, now), ...withoutTimes(filter) };
}

function withoutTimes({ since: _since, until: _until, ...filter }: EventFilter): EventFilter {
  return filter;
}

export type Chip = Term;

export function chipsOf(filter: EventFilter): Chip[] {
  return [...termsOf(filter)];
}

/** As it is typed. */
export function chipText({ name, is, values, isNot }: Chip): string {
  const list = values.map((value) => (value === "" ? '""' : visible(value))).join(" or ");
  return name === "text"
    ? `${isNot ? "not " : ""}“${list}”`
    : `${isNot ? "not " : ""}${name}${is === ":" ? ": " : ` ${is} `}${list}`;
}

export function withoutChip(address: Address, at: number): Address {
  return { ...address, filter: filterOf(chipsOf(address.filter).toSpliced(at, 1), Date.now()) };
}

const timeOf = ({ name }: Term) => ALIASES.get(name) ?? name;

/** What was typed, added to the filter. Throws `bad_query`. */
export function withText(address: Address, text: string): Address {
  const terms = textTerms(text);
  const times = terms.filter((term) => ["since", "until"].includes(timeOf(term)));
  // Refuses a time that is none.
  filterOf(times, Date.now());
  const given = (name: string) => times.find((term) => timeOf(term) === name)?.values[0];
  const others = terms.filter((term) => !times.includes(term));
  return {
    ...address,
    filter: filterOf([...chipsOf(address.filter), ...others], Date.now()),
    since: given("since") ?? address.since,
    until: given("until") ?? address.until,
  };
}

/** How a value of a field stands in the filter. */
export function standing(
  { where, not = {} }: EventFilter,
  field: FieldName,
  value: Match,
): "in" | "out" | null {
  const has = (list: readonly Match[] | undefined) => list?.some((each) => each === value) ?? false;
  return has(where[field]) ? "in" : has(not[field]) ? "out" : null;
}

/** With only this value of the field, or with every value again when it was the only one. */
export function only(filter: EventFilter, field: FieldName, value: Match): EventFilter {
  const given = filter.where[field];
  const isOnly = given?.length === 1 && given[0] === value;
  return set(set(filter, "not", field, []), "where", field, isOnly ? [] : [value]);
}

/** With this value too, or without it again. */
export function included(filter: EventFilter, field: FieldName, value: Match): EventFilter {
  return set(taken(filter, "not", field, value), "where", field, toggled(filter.where[field], value));
}

/** Without this value, or with it again. */
export function excluded(filter: EventFilter, field: FieldName, value: Match): EventFilter {
  return set(taken(filter, "where", field, value), "not", field, toggled(filter.not?.[field], value));
}

function toggled(list: readonly Match[] = [], value: Match): readonly Match[] {
  return list.includes(value) ? list.filter((each) => each !== value) : [...list, value];
}

function taken(filter: EventFilter, part: "where" | "not", field: FieldName, value: Match): EventFilter {
  return set(
    filter,
    part,
    field,
    (filter[part]?.[field] ?? []).filter((each) => each !== value),
  );
}

function set(
  filter: EventFilter,
  part: "where" | "not",
  field: FieldName,
  list: readonly Match[],
): EventFilter {
  const { [field]: _, ...others } = filter[part] ?? {};
  const matches: Matches = list.length === 0 ? others : { ...others, [field]: list };
  const { not: _not, ...rest } = filter;
  const not = part === "not" ? matches : filter.not;
  return {
    ...rest,
    ...(part === "where" ? { where: matches } : {}),
    ...(not === undefined || Object.keys(not).length === 0 ? {} : { not }),
  };
}
