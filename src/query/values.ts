// The values of a query: text to what a field is compared with, and back.
import { DaybookError } from "../event/errors.ts";
import type { Cell, FieldSpec } from "../event/fields.ts";
import { type FieldName, maxInteger } from "../event/fields.ts";
import { isoTime } from "../event/json.ts";
import type { Match, Range } from "./filter.ts";
import { canonicalGlob, escapeGlob, globParts } from "./glob.ts";
import { BOUND_FORMS, INSTANT_FORMS, parseBound, parseInstant } from "./instants.ts";
import { isGlob, isRange } from "./matches.ts";
import { INSTANTS, VALUE_WORDS } from "./vocabulary.ts";

/** Why a value cannot be: a whole sentence. */
export class Unfit extends Error {}

/** `at`: where in a text, from 0 on. */
export function refused(sentence: string, at?: number): DaybookError {
  if (at === undefined) return new DaybookError("bad_query", sentence);
  return new DaybookError("bad_query", `At ${at + 1}: ${sentence}`, { cause: { at } });
}

/** More stars, and longer texts between them, nobody means. */
const MAX_STARS = 16;
const MAX_GLOB = 1000;
const RANGE = /^(.*?)\.\.(.*)$/;

/** What a field is compared with. An empty text asks for events that have no value. Throws Unfit. */
export function matchOf(spec: FieldSpec, text: string, now: number): Match {
  const { name, type } = spec;
  if (text === "") {
    if (spec.required) throw new Unfit(`${name} always has a value: give one, or leave ${name} out.`);
    return null;
  }
  if (type === "integer") {
    const [, least, most] = RANGE.exec(text) ?? [];
    return least === undefined || most === undefined ? exactly(spec, text) : between(spec, least, most, now);
  }
  if (type === "boolean") {
    if (text === "true" || text === "false") return text === "true";
    throw new Unfit(`${name} must be true or false, not ${shown(text)}.`);
  }
  const parts = globParts(text);
  if (parts.length > MAX_STARS + 1) throw new Unfit(`${name} can have at most ${MAX_STARS} stars.`);
  if (parts.length > 1 && text.length > MAX_GLOB)
    throw new Unfit(`${name} takes at most ${MAX_GLOB} characters with a star.`);
  if (parts.length > 1) return { glob: canonicalGlob(text) };
  const plain = parts.join("");
  const value = VALUE_WORDS[name as FieldName]?.[plain] ?? plain;
  const fits = value.length <= (spec.max ?? value.length) && (spec.pattern?.test(value) ?? true);
  if (!fits) throw new Unfit(`No event can have ${name} ${shown(text)}. ${name}: ${spec.about}`);
  return value;
}

/** The numbers on one side of another. Throws Unfit. */
export function rangeOf(spec: FieldSpec, is: ">" | ">=" | "<" | "<=", text: string, now: number): Range {
  if (spec.type !== "integer") throw new Unfit(`${spec.name} is no number: ${is} means nothing for it.`);
  const isLeast = is === ">" || is === ">=";
  const isStrict = is === ">" || is === "<";
  const end = endOf(spec, text, now, isLeast === isStrict ? "down" : "up");
  const bound = isStrict ? end + (isLeast ? 1 : -1) : end;
  if (bound < 0 || bound > maxInteger(spec)) throw new Unfit(`${spec.name} cannot be ${is} ${shown(text)}.`);
  return isLeast ? { least: bound } : { most: bound };
}

/** What `matchOf` reads as `match`. */
export function writeMatch(name: string, match: Match): string {
  if (match === null) return "";
  if (isGlob(match)) return match.glob;
  if (isRange(match)) {
    const { least, most } = match;
    return `${least === undefined ? "" : writeCell(name, least)}..${most === undefined ? "" : writeCell(name, most)}`;
  }
  return writeCell(name, match);
}

export function writeCell(name: string, cell: Exclude<Cell, null>): string {
  if (typeof cell === "string") return escapeGlob(cell);
  return INSTANTS.has(name) ? isoTime(Number(cell)) : String(cell);
}

/** A whole number in digits. Throws Unfit. */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new Unfit(`${name} must be a whole number from ${min} to ${max}, not ${shown(text)}.`);
}

/** What the caller sent, quoted and short enough for a sentence. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40).toWellFormed()}…` : text);
}

function exactly(spec: FieldSpec, text: string): number {
  const { name } = spec;
  if (!INSTANTS.has(name)) return wholeNumber(name, text, 0, maxInteger(spec));
  const instant = parseInstant(text);
  if (instant === null) throw new Unfit(`${name} must be ${INSTANT_FORMS}, not ${shown(text)}.`);
  return instant;
}

function between(spec: FieldSpec, from: string, to: string, now: number): Range {
  const least = from === "" ? null : endOf(spec, from, now, "up");
  const most = to === "" ? null : endOf(spec, to, now, "down");
  if (least === null && most === null) throw new Unfit(`${spec.name} needs a number before or after "..".`);
  if (least !== null && most !== null && least > most)
    throw new Unfit(`${spec.name} ${shown(`${from}..${to}`)} ends before it begins.`);
  return { ...(least === null ? {} : { least }), ...(most === null ? {} : { most }) };
}

function endOf(spec: FieldSpec, text: string, now: number, round: "down" | "up"): number {
  if (!INSTANTS.has(spec.name)) return wholeNumber(spec.name, text, 0, maxInteger(spec));
  const instant = parseBound(text, now, round);
  if (instant === null) throw new Unfit(`${spec.name} must be ${BOUND_FORMS}, not ${shown(text)}.`);
  return instant;
}
