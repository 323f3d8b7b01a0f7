// What a filter means, in memory: for live feeds, holds and dry runs. Stores answer the same (test/conformance).
import type { AuditEvent, Cell, FieldName } from "../event/fields.ts";
import type { EventFilter, Glob, Match, Matches, Range } from "./filter.ts";
import { globMatcher } from "./glob.ts";

/** Where free text is looked for: names, ids, endpoints and codes, never what people wrote. */
export const TEXT_FIELDS = [
  "event_id",
  "request_id",
  "upstream_request_id",
  "trace_id",
  "parent_event_id",
  "session_id",
  "user_id",
  "api_key_id",
  "action",
  "name",
  "endpoint",
  "entity_type",
  "entity_id",
  "model",
  "upstream_model",
  "backend_type",
  "provider",
  "route",
  "error_code",
  "error_type",
] as const satisfies readonly FieldName[];

export function isGlob(match: Match): match is Glob {
  return typeof match === "object" && match !== null && "glob" in match;
}

export function isRange(match: Match): match is Range {
  return typeof match === "object" && match !== null && !("glob" in match);
}

/** Whether the filter lets the event through. For many events, ask `matcherOf` once. */
export function matches(filter: EventFilter, event: AuditEvent): boolean {
  return matcherOf(filter)(event);
}

export function matcherOf(filter: EventFilter): (event: AuditEvent) => boolean {
  const { where, not = {}, within = {}, text = [], notText = [] } = filter;
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = filter;
  const isSystemShown = filter.includeSystem === true || where.kind !== undefined;
  const wanted = checksOf(where);
  const unwanted = checksOf(not);
  for (const [name, range] of Object.entries(within)) wanted.push([name as FieldName, checkOf(range)]);
  const [words, noWords] = [text.map(lowered), notText.map(lowered)];
  return (event) => {
    if (event.recorded_at < since || event.recorded_at > until) return false;
    if (!isSystemShown && event.kind === "system") return false;
    if (!wanted.every(([name, check]) => check(event[name]))) return false;
    if (unwanted.some(([name, check]) => check(event[name]))) return false;
    return words.every((word) => holds(event, word)) && !noWords.some((word) => holds(event, word));
  };
}

/** Whether a field that is `cell` is any of `list`. */
export function isAnyOf(list: readonly Match[], cell: Cell): boolean {
  return list.some((match) => checkOf(match)(cell));
}

type Check = (cell: Cell) => boolean;

function checksOf(lists: Matches): [FieldName, Check][] {
  return Object.entries(lists).map(([name, list]) => {
    const checks = list.map(checkOf);
    return [name as FieldName, (cell) => checks.some((check) => check(cell))];
  });
}

function checkOf(match: Match): Check {
  if (isGlob(match)) {
    const like = globMatcher(match.glob);
    return (cell) => typeof cell === "string" && like(cell);
  }
  if (isRange(match)) {
    const { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY } = match;
    return (cell) => typeof cell === "number" && cell >= least && cell <= most;
  }
  return (cell) => cell === match;
}

function holds(event: AuditEvent, word: string): boolean {
  return TEXT_FIELDS.some((name) => {
    const cell = event[name];
    return cell !== null && lowered(cell).includes(word);
  });
}

/** ASCII letters only, as SQL's LIKE does it. */
function lowered(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
