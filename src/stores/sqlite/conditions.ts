// From a typed filter to conditions on the columns of each home: of shapes, of actors, and of the events' own rows.
import type { Cell, FieldName } from "../../event/fields.ts";
import type { EventFilter, Match, Range } from "../../query/filter.ts";
import { globParts } from "../../query/glob.ts";
import { isAnyOf, isGlob, isRange, TEXT_FIELDS } from "../../query/matches.ts";
import {
  ACTOR_COLUMNS,
  type Column,
  columnOf,
  type SqlValue,
  shownSql,
  sqlOf,
  type Words,
} from "./columns.ts";

/** A condition and its parameters. */
export interface Where {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** What a connection knows of its words and tuples. */
export interface Lookup extends Words {
  /** Ids of the tuples that meet the conditions, which name columns of the table. */
  readonly findTuples: (table: "shapes" | "actors", sql: string, params: readonly SqlValue[]) => number[];
}

/** Conditions that all must be met. Those on the events' own columns by field, and by word of free text. */
interface Terms {
  readonly shape: Where[];
  readonly actor: Where[];
  readonly event: Map<string, Where>;
}

/** Null when one of them cannot be met. */
export function termsFor(filter: EventFilter, lookup: Lookup): Terms | null {
  const { where, not = {}, within = {}, text = [], notText = [] } = filter;
  const terms: Terms = { shape: [], actor: [], event: new Map() };
  const add = (key: string, column: Column, term: Where) => {
    if (column.home === "event") terms.event.set(key, term);
    else terms[column.home].push(term);
  };
  for (const [name, list] of entries(where)) {
    const column = columnOf(name);
    const term = anyOf(column, list, lookup);
    if (term === null) return null;
    add(name, column, term);
  }
  for (const [name, list] of entries(not)) {
    const column = columnOf(name);
    const term = anyOf(column, list, lookup);
    if (term !== null) add(`-${name}`, column, noneOf(term));
  }
  for (const [name, range] of Object.entries(within)) {
    const column = columnOf(name as FieldName);
    const term = inRange(column, range);
    if (term === null) return null;
    add(`=${name}`, column, term);
  }
  for (const word of text) terms.event.set(`"${word}`, withText(word, lookup));
  for (const word of notText) terms.event.set(`-"${word}`, noneOf(withText(word, lookup)));
  return terms;
}

/** Whether an event of nobody, which has no actor, meets what is asked of those. */
export function allowsNoActor({ where, not = {}, within = {} }: EventFilter): boolean {
  return ACTOR_COLUMNS.every(
    ({ name }) =>
      (where[name] === undefined || isAnyOf(where[name], null)) &&
      !isAnyOf(not[name] ?? [], null) &&
      within[name] === undefined,
  );
}

export function joined(terms: readonly Where[]): [sql: string, params: SqlValue[]] {
  return [terms.map(({ sql }) => sql).join(" AND "), terms.flatMap(({ params }) => params)];
}

function entries(lists: EventFilter["where"]): [FieldName, readonly Match[]][] {
  return Object.entries(lists) as [FieldName, readonly Match[]][];
}

function noneOf({ sql, params }: Where): Where {
  return { sql: `(${sql}) IS NOT TRUE`, params };
}

/** Null when the column can hold, or the dictionary has, none of the values. */
function anyOf(column: Column, list: readonly Match[], { dictionary }: Lookup): Where | null {
  const name = `"${column.name}"`;
  const values: SqlValue[] = [];
  const terms: Where[] = [];
  for (const match of list) {
    if (match === null) terms.push({ sql: `${name} IS NULL`, params: [] });
    else if (isGlob(match)) terms.push(like(column, "GLOB", globSql(match.glob)));
    else if (isRange(match)) terms.push(...[inRange(column, match)].filter((term) => term !== null));
    else {
      const value = sqlOf(column, match as Exclude<Cell, null>);
      const isWord = column.form === "word" && typeof value === "string";
      const param = isWord ? dictionary.find(column.name, value) : value;
      if (param !== undefined) values.push(param);
    }
  }
  if (values.length === 1) terms.unshift({ sql: `${name} = ?`, params: values });
  else if (values.length > 1)
    terms.unshift({ sql: `${name} IN (${values.map(() => "?").join(", ")})`, params: values });
  if (terms.length === 0) return null;
  return {
    sql: `(${terms.map(({ sql }) => sql).join(" OR ")})`,
    params: terms.flatMap(({ params }) => params),
  };
}

/** Null for a column that holds no numbers. */
function inRange({ name, form }: Column, { least, most }: Range): Where | null {
  if (form !== "integer") return null;
  const [low, high] = [least ?? Number.MIN_SAFE_INTEGER, most ?? Number.MAX_SAFE_INTEGER];
  return { sql: `"${name}" BETWEEN ? AND ?`, params: [low, high] };
}

/** A column, as it is shown, compared with a pattern. Words are compared where they are kept, each once. */
function like(column: Column, operator: "GLOB" | "LIKE", pattern: string): Where {
  const how = operator === "LIKE" ? "LIKE ? ESCAPE '\\'" : "GLOB ?";
  const name = `"${column.name}"`;
  if (column.form === "integer" || column.form === "flag") return { sql: "FALSE", params: [] };
  if (column.form !== "word") return { sql: `${shownSql(column.form, name)} ${how}`, params: [pattern] };
  const ids = `SELECT id FROM dictionary WHERE field = ? AND value ${how}`;
  return { sql: `${name} IN (${ids})`, params: [column.name, pattern] };
}

/** What the texts of ids that are kept as bytes are made of, whatever the case. */
const BYTES_AS_TEXT: { readonly [form in Column["form"]]?: RegExp } = {
  uuid: /^[0-9a-f-]*$/i,
  request: /^[req_0-9a-f]*$/i,
  trace: /^[0-9a-f]*$/i,
};

/** As `like`, but bytes are not written out, event by event, to look for what they cannot hold. */
function holding(column: Column, word: string, pattern: string): Where {
  if (BYTES_AS_TEXT[column.form]?.test(word) ?? true) return like(column, "LIKE", pattern);
  if (column.form === "uuid") return { sql: "FALSE", params: [] };
  const name = `"${column.name}"`;
  return { sql: `(typeof(${name}) = 'text' AND ${name} LIKE ? ESCAPE '\\')`, params: [pattern] };
}

/** SQLite's GLOB knows `?` and `[…]` too; in brackets they are themselves. */
function globSql(glob: string): string {
  return globParts(glob)
    .map((part) => part.replaceAll(/[*?[]/g, "[$&]"))
    .join("*");
}

/** On the events' rows, whatever the home of what is found: an event needs it in one place only. */
function withText(word: string, lookup: Lookup): Where {
  const pattern = `%${word.replaceAll(/[\\%_]/g, "\\$&")}%`;
  const terms: Where[] = [];
  const columns = TEXT_FIELDS.map(columnOf);
  for (const home of ["shape", "actor"] as const) {
    const [sql, params] = either(
      columns.filter((column) => column.home === home).map((column) => like(column, "LIKE", pattern)),
    );
    const ids = lookup.findTuples(`${home}s`, sql, params);
    if (ids.length > 0)
      terms.push({ sql: `${home} IN (SELECT value FROM json_each(?))`, params: [JSON.stringify(ids)] });
  }
  for (const column of columns) if (column.home === "event") terms.push(holding(column, word, pattern));
  const [sql, params] = either(terms);
  return { sql: `(${sql})`, params };
}

function either(terms: readonly Where[]): [sql: string, params: SqlValue[]] {
  return [terms.map(({ sql }) => sql).join(" OR "), terms.flatMap(({ params }) => params)];
}
