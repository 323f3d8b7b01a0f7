// The one grammar of questions to the trail: URL parameters to a typed query and back. REST and the CLI both
// go through here, and docs/reference/api.md is written from PARAMETERS.
import { closest, distance } from "fastest-levenshtein";
import { DaybookError } from "../event/errors.ts";
import {
  type Cell,
  COLUMN,
  FIELDS,
  type FieldName,
  type FieldSpec,
  isFieldName,
  maxInteger,
} from "../event/fields.ts";
import { isoTime } from "../event/json.ts";
import {
  DEFAULT_LIMIT,
  decodeCursor,
  type EventFilter,
  type EventQuery,
  encodeCursor,
  MAX_LIMIT,
} from "../event/query.ts";
import { INSTANT_FORMS, parseBound, parseInstant } from "./instants.ts";

export interface ParameterSpec {
  readonly name: string;
  /** `page` parameters are for lists only. */
  readonly part: "filter" | "page";
  readonly about: string;
}

const SCALARS: readonly FieldSpec[] = FIELDS.filter(({ type }) => type !== "json");
const INSTANTS: ReadonlySet<string> = new Set<FieldName>(["timestamp", "recorded_at"]);

/** Names of the sources' parameters → ours. */
const ALIASES = new Map([
  ["start_time", "since"],
  ["end_time", "until"],
  ["policy", "policy_decision"],
]);
const POLICY_WORDS = new Map([
  ["allowed", "allow"],
  ["warned", "warn"],
  ["denied", "deny"],
]);

const BOUND = `${INSTANT_FORMS}, or a span before now such as 30s, 10m, 2h, 7d`;

/** Every parameter there is, in the order of the reference. */
export const PARAMETERS: readonly ParameterSpec[] = [
  { name: "since", part: "filter", about: `Recorded at or after: ${BOUND}. Alias: \`start_time\`.` },
  { name: "until", part: "filter", about: `Recorded at or before: as \`since\`. Alias: \`end_time\`.` },
  { name: "include", part: "filter", about: "`system`: show Daybook's events about itself too." },
  { name: "limit", part: "page", about: `Events on a page: 1 to ${MAX_LIMIT}, default ${DEFAULT_LIMIT}.` },
  { name: "cursor", part: "page", about: "Where the next page starts; taken from the `Link` header." },
  ...SCALARS.map(
    ({ name, about }): ParameterSpec => ({
      name,
      part: "filter",
      about:
        name === "policy_decision"
          ? `${about} Alias: \`policy\`; \`allowed\`, \`warned\`, \`denied\` are understood.`
          : about,
    }),
  ),
];

/** The query of a list. Throws `bad_query`, saying which parameter and what it takes, or `bad_cursor`. */
export function parseQuery(parameters: URLSearchParams, now: number): EventQuery {
  const filter = parse(parameters, now, ["filter", "page"]);
  const limit = single(parameters, "limit");
  const cursor = single(parameters, "cursor");
  return {
    ...filter,
    limit: limit === undefined ? DEFAULT_LIMIT : wholeNumber("limit", limit, 1, MAX_LIMIT),
    ...(cursor === undefined ? {} : decodeCursor(cursor)),
  };
}

/** The filter of counts and sums. Throws `bad_query`. */
export function parseFilter(parameters: URLSearchParams, now: number): EventFilter {
  return parse(parameters, now, ["filter"]);
}

/** Throws `bad_query` when there is any parameter at all. */
export function refuseParameters(parameters: URLSearchParams): void {
  parse(parameters, 0, []);
}

/**
 * The parameters that `parseQuery` reads as `query`. Bounds are absolute, so that the pages of one question keep
 * to the same time.
 */
export function writeQuery(query: EventQuery): URLSearchParams {
  const parameters = new URLSearchParams();
  const { where, since, until, includeSystem, limit, after, asOf } = query;
  for (const [name, values] of Object.entries(where)) {
    for (const value of values)
      parameters.append(name, INSTANTS.has(name) ? isoTime(Number(value)) : String(value ?? ""));
  }
  if (since !== undefined) parameters.set("since", isoTime(since));
  if (until !== undefined) parameters.set("until", isoTime(until));
  if (includeSystem) parameters.set("include", "system");
  parameters.set("limit", String(limit));
  if (after !== undefined && asOf !== undefined) parameters.set("cursor", encodeCursor({ after, asOf }));
  return parameters;
}

/** The names of what `filter` asks for, never the values: those may be personal. */
export function filterNames({ where, since, until, includeSystem }: EventFilter): string[] {
  const names = Object.keys(where);
  if (since !== undefined) names.push("since");
  if (until !== undefined) names.push("until");
  if (includeSystem) names.push("include");
  return names;
}

function parse(
  parameters: URLSearchParams,
  now: number,
  parts: readonly ParameterSpec["part"][],
): EventFilter {
  const where: { -readonly [name in FieldName]?: Cell[] } = {};
  for (const [given, text] of parameters) {
    const name = ALIASES.get(given) ?? given;
    const known = PARAMETERS.find((parameter) => parameter.name === name);
    if (known === undefined || !parts.includes(known.part)) throw unknownParameter(given, parts);
    if (!isFieldName(name)) continue;
    const cell = cellOf(FIELDS[COLUMN[name]] as FieldSpec, text);
    const cells = where[name] ?? [];
    if (!cells.includes(cell)) where[name] = [...cells, cell];
  }
  const since = bound(parameters, "since", now, "up");
  const until = bound(parameters, "until", now, "down");
  if (since !== undefined && until !== undefined && since > until)
    throw refused("since is later than until: no event can be between.");
  for (const text of parameters.getAll("include"))
    if (text !== "system") throw refused(`include can only be system, not ${shown(text)}.`);
  return {
    where,
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(parameters.has("include") ? { includeSystem: true } : {}),
  };
}

/** An empty text asks for events that have no value. */
function cellOf(spec: FieldSpec, text: string): Cell {
  const { name } = spec;
  if (text === "") {
    if (spec.required) throw refused(`${name} always has a value: give one, or leave ${name} out.`);
    return null;
  }
  if (INSTANTS.has(name)) {
    const instant = parseInstant(text);
    if (instant === null) throw refused(`${name} must be ${INSTANT_FORMS}, not ${shown(text)}.`);
    return instant;
  }
  switch (spec.type) {
    case "integer":
      return wholeNumber(name, text, 0, maxInteger(spec));
    case "boolean":
      if (text !== "true" && text !== "false")
        throw refused(`${name} must be true or false, not ${shown(text)}.`);
      return text === "true";
    default: {
      const value = name === "policy_decision" ? (POLICY_WORDS.get(text) ?? text) : text;
      const fits = value.length <= (spec.max ?? value.length) && (spec.pattern?.test(value) ?? true);
      if (!fits) throw refused(`No event can have ${name} ${shown(text)}. ${name}: ${spec.about}`);
      return value;
    }
  }
}

function bound(
  parameters: URLSearchParams,
  name: string,
  now: number,
  round: "down" | "up",
): number | undefined {
  const text = single(parameters, name);
  if (text === undefined) return undefined;
  const instant = parseBound(text, now, round);
  if (instant === null) throw refused(`${name} must be ${BOUND}, not ${shown(text)}.`);
  return instant;
}

/** The value of a parameter that can be given once, under its name or an alias. */
function single(parameters: URLSearchParams, name: string): string | undefined {
  const texts = [...parameters]
    .filter(([given]) => (ALIASES.get(given) ?? given) === name)
    .map(([, text]) => text);
  if (texts.length > 1) throw refused(`${name} is given ${texts.length} times: once is enough.`);
  return texts[0];
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw refused(`${name} must be a whole number from ${min} to ${max}, not ${shown(text)}.`);
}

function unknownParameter(given: string, parts: readonly ParameterSpec["part"][]): DaybookError {
  if (given === "offset" || given === "page") {
    return refused(
      `There is no parameter ${given}: pages follow one another through cursor, in the Link header.`,
    );
  }
  if (isFieldName(given) && FIELDS[COLUMN[given]]?.type === "json")
    return refused(`${given} holds JSON and cannot be filtered by.`);
  if (parts.length === 0) return refused(`There is no parameter ${shown(given)} here: this path takes none.`);
  const names = [
    ...PARAMETERS.filter(({ part }) => parts.includes(part)).map(({ name }) => name),
    ...ALIASES.keys(),
  ];
  const nearest = closest(given, names);
  const hint = distance(given, nearest) <= Math.max(2, given.length / 2) ? ` Did you mean ${nearest}?` : "";
  return refused(`There is no parameter ${shown(given)} here.${hint}`);
}

function refused(detail: string): DaybookError {
  return new DaybookError("bad_query", detail);
}

/** What the caller sent, quoted and short enough for a sentence. */
function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40).toWellFormed()}…` : text);
}
