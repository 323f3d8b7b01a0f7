// What may be asked of the trail: one typed filter for every surface and store. This room is pure and needs nothing of
// Node: the dashboard imports it as it is. Public are filter.ts (the types), matches.ts (the same meaning in memory),
// parameters.ts (to and from a URL), text.ts (to and from a line of text), vocabulary.ts (the names) and instants.ts.
import type { Cell, FieldName } from "../event/fields.ts";

/** A text in which each `*` stands for any run of characters (glob.ts). */
export interface Glob {
  readonly glob: string;
}

/** Whole numbers (times: UTC ms), both ends included; without an end, as far as numbers go. */
export interface Range {
  readonly least?: number;
  readonly most?: number;
}

/** What a field is to be: exactly this (null: without a value), like a text, or between numbers. */
export type Match = Cell | Glob | Range;

export type Matches = { readonly [name in FieldName]?: readonly Match[] };

/** Different parts narrow one another. */
export interface EventFilter {
  /** Field → what it may be: any of these. */
  readonly where: Matches;
  /** Field → what it may not be: none of these. An event without a value is none of them, but for null. */
  readonly not?: Matches;
  /** Field → the range that it must be in, beside what `where` says. */
  readonly within?: { readonly [name in FieldName]?: Range };
  /** Each must be found in one of TEXT_FIELDS (matches.ts), as a part of it, whatever the case of ASCII letters. */
  readonly text?: readonly string[];
  /** None may be found there. */
  readonly notText?: readonly string[];
  /** Inclusive bounds on recorded_at, UTC ms. */
  readonly since?: number;
  readonly until?: number;
  /** Kind `system` is left out unless this or a filter on `kind` asks. */
  readonly includeSystem?: boolean;
}

/** A point in the order of lists: newest first by (recorded_at, node_id, seq). */
export interface EventKey {
  readonly recordedAt: number;
  readonly nodeId: string;
  readonly seq: number;
}

/** For each node the last seq that a paged list may show, so that pages do not shift while events arrive. */
export type AsOf = Readonly<Record<string, number>>;

export interface EventQuery extends EventFilter {
  /** 1–1000. */
  readonly limit: number;
  /** Only events after this one in list order, that is older. */
  readonly after?: EventKey;
  readonly asOf?: AsOf;
  /** How many of them to pass over, at most MAX_OFFSET: for those who page by number. Readers know it, stores do not. */
  readonly offset?: number;
}

/** A part of an export: everything that matches, newest first, as it was at one moment. */
export interface RowsQuery extends EventFilter {
  /** 1–MAX_ROWS. */
  readonly limit: number;
  readonly after?: EventKey;
  readonly asOf?: AsOf;
  /** Of each node that it names only events after this seq: those that an export before did not have. */
  readonly beyond?: AsOf;
}

export const MAX_ROWS = 10_000;

export const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1000;
export const MAX_OFFSET = 10_000;

/** The fields that a filter asks about. */
export function fieldsOf({ where, not = {}, within = {} }: EventFilter): FieldName[] {
  return [...new Set([...Object.keys(where), ...Object.keys(not), ...Object.keys(within)])] as FieldName[];
}

/** The names of what `filter` asks for, never the values: those may be personal. */
export function filterNames(filter: EventFilter): string[] {
  const { text, notText, since, until, includeSystem } = filter;
  const names: string[] = fieldsOf(filter);
  if (text !== undefined || notText !== undefined) names.push("text");
  if (since !== undefined) names.push("since");
  if (until !== undefined) names.push("until");
  if (includeSystem) names.push("include");
  return names;
}
