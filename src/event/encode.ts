// Facts to a row: the one gate through which anything enters an event. It never throws on values: what does not
// fit its field becomes null (numbers are clamped, sentences cut) and is counted. Names it does not know are
// refused before (checkFacts), where the caller can still be told.
import { canonicalJson } from "./canonical.ts";
import { isContentKey } from "./content-keys.ts";
import { DaybookError } from "./errors.ts";
import {
  type Cell,
  camelCase,
  type Facts,
  FIELDS,
  type FieldSpec,
  type JsonInput,
  maxInteger,
  type Row,
} from "./fields.ts";
import { hasShape } from "./json-shapes.ts";
import type { Outcome } from "./outcomes.ts";

/** How many values did not fit their fields. */
export interface Misfits {
  count: number;
}

/** U+0000 as JSON.stringify writes it, and not the six characters after an escaped backslash. */
export const NUL = /(?:^|[^\\])(?:\\\\)*\\u0000/;

interface Step {
  readonly column: number;
  readonly spec: FieldSpec;
  /** The pattern alone decides: without the flag u, patterns let through ASCII only. */
  readonly plain: RegExp | null;
}

/** Given at the begin, and the same ever after. */
const FIXED: ReadonlySet<string> = new Set(["eventId", "kind", "count"]);
const STEPS = new Map<string, Step>(
  FIELDS.map((spec: FieldSpec, column) => [camelCase(spec.name), stepOf(spec, column)] as const).filter(
    ([, { spec }]) => spec.by === "facts",
  ),
);
const OUTCOME_STEPS = FIELDS.map((spec: FieldSpec, column) => ({
  ...stepOf(spec, column),
  part: camelCase(spec.name) as keyof Outcome,
})).filter(({ spec }) => spec.by === "outcome");
const BLANK: Row = new Array(FIELDS.length).fill(null);

function stepOf(spec: FieldSpec, column: number): Step {
  const { pattern, max } = spec;
  return {
    column,
    spec,
    plain: pattern === undefined || pattern.unicode || max !== undefined ? null : pattern,
  };
}

/**
 * Refuses names that no event has, and content-like keys in metadata; with `begun` also what only a begin may say.
 * It runs several times for each request: one pass over the names, and nothing is made.
 */
export function checkFacts(facts: Facts, begun = false): void {
  for (const name in facts) {
    if (!STEPS.has(name)) throw new DaybookError("unknown_field", name);
    if (begun && FIXED.has(name)) throw new DaybookError("unknown_field", `${name} to note`);
  }
  const { metadata } = facts;
  if (metadata === undefined || metadata === null) return;
  for (const [key, value] of Object.entries(metadata)) {
    if (isContentKey(key)) throw new DaybookError("content_refused", key);
    if (value !== null && typeof value === "object") throw new DaybookError("nested_metadata", key);
  }
}

/** A row of nulls. */
export function blankRow(): Row {
  return BLANK.slice();
}

/** Puts checked facts into the row, over what was there; null and undefined clear. */
export function setFacts(row: Row, facts: Facts, misfits: Misfits): void {
  for (const name in facts) {
    const step = STEPS.get(name);
    if (step === undefined) continue;
    const value = facts[name as keyof Facts];
    row[step.column] = value === undefined || value === null ? null : cellOf(step, value, misfits);
  }
}

/** Puts the outcome into the row, whole. */
export function setOutcome(row: Row, outcome: Outcome, misfits: Misfits): void {
  for (const step of OUTCOME_STEPS) {
    const value = outcome[step.part];
    row[step.column] = value === null ? null : cellOf(step, value, misfits);
  }
}

/** The row of `facts` and `outcome` (null while it is not known); the journal's own cells stay null. */
export function encodeRow(facts: Facts, outcome: Outcome | null, misfits: Misfits): Row {
  const row = blankRow();
  setFacts(row, facts, misfits);
  if (outcome !== null) setOutcome(row, outcome, misfits);
  return row;
}

function cellOf(step: Step, value: string | number | boolean | JsonInput, misfits: Misfits): Cell {
  const { spec } = step;
  switch (spec.type) {
    case "integer":
      if (typeof value === "number") return integerCell(spec, value, misfits);
      break;
    case "boolean":
      if (typeof value === "boolean") return value;
      break;
    case "string":
      if (typeof value === "string")
        return step.plain?.test(value) ? value : stringCell(spec, value, misfits);
      break;
    case "json":
      if (typeof value === "object") return jsonCell(spec, value, misfits);
  }
  misfits.count++;
  return null;
}

function integerCell(spec: FieldSpec, value: number, misfits: Misfits): Cell {
  const max = maxInteger(spec);
  if (Number.isInteger(value) && value >= 0 && value <= max) return value === 0 ? 0 : value;
  misfits.count++;
  if (Number.isNaN(value)) return null;
  return Math.min(Math.max(Math.round(value), 0), max) || 0;
}

function stringCell(spec: FieldSpec, value: string, misfits: Misfits): Cell {
  let text = value;
  if (spec.cut && text.length > (spec.max ?? text.length)) {
    text = text.slice(0, spec.max).toWellFormed();
    misfits.count++;
  }
  const fits =
    text.length <= (spec.max ?? text.length) &&
    text.isWellFormed() &&
    !text.includes("\0") &&
    (spec.pattern === undefined || spec.pattern.test(text));
  if (fits) return text;
  misfits.count++;
  return null;
}

function jsonCell(spec: FieldSpec, value: JsonInput, misfits: Misfits): Cell {
  try {
    const fits = spec.shape === undefined || hasShape(spec.shape, value);
    const text = fits ? canonicalJson(value) : "";
    if (fits && Buffer.byteLength(text) <= (spec.max ?? 0) && !NUL.test(text)) return text;
  } catch {
    // Not a value that an event can hold: counted below, like every other misfit.
  }
  misfits.count++;
  return null;
}
