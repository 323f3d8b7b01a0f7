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
import type { Outcome } from "./outcomes.ts";

/** How many values did not fit their fields. */
export interface Misfits {
  count: number;
}

/** U+0000 as JSON.stringify writes it, and not the six characters after an escaped backslash. */
const NUL = /(?:^|[^\\])(?:\\\\)*\\u0000/;

interface Step {
  readonly column: number;
  readonly fact: keyof Facts & string;
  readonly spec: FieldSpec;
}

const STEPS: readonly Step[] = FIELDS.map((spec, column) => ({
  column,
  spec,
  fact: camelCase(spec.name) as keyof Facts & string,
})).filter(({ spec }) => spec.by === "facts");
const OUTCOME_STEPS = FIELDS.map((spec, column) => ({
  column,
  spec: spec as FieldSpec,
  part: camelCase(spec.name) as keyof Outcome,
})).filter(({ spec }) => spec.by === "outcome");
const FACT_NAMES: ReadonlySet<string> = new Set(STEPS.map(({ fact }) => fact));

/** Refuses names that no event has, and content-like keys in metadata. */
export function checkFacts(facts: Facts): void {
  for (const name of Object.keys(facts))
    if (!FACT_NAMES.has(name)) throw new DaybookError("unknown_field", name);
  const { metadata } = facts;
  if (metadata === undefined || metadata === null) return;
  for (const [key, value] of Object.entries(metadata)) {
    if (isContentKey(key)) throw new DaybookError("content_refused", key);
    if (value !== null && typeof value === "object") throw new DaybookError("nested_metadata", key);
  }
}

/** The row of `facts` and `outcome` (null while it is not known); the journal's own cells stay null. */
export function encodeRow(facts: Facts, outcome: Outcome | null, misfits: Misfits): Row {
  const row: Row = new Array(FIELDS.length).fill(null);
  for (const { column, fact, spec } of STEPS) {
    const value = facts[fact];
    if (value !== undefined && value !== null) row[column] = cellOf(spec, value, misfits);
  }
  if (outcome !== null) {
    for (const { column, part, spec } of OUTCOME_STEPS) {
      const value = outcome[part];
      if (value !== null) row[column] = cellOf(spec, value, misfits);
    }
  }
  return row;
}

function cellOf(spec: FieldSpec, value: string | number | boolean | JsonInput, misfits: Misfits): Cell {
  switch (spec.type) {
    case "integer":
      if (typeof value === "number") return integerCell(spec, value, misfits);
      break;
    case "boolean":
      if (typeof value === "boolean") return value;
      break;
    case "string":
      if (typeof value === "string") return stringCell(spec, value, misfits);
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
    const text = canonicalJson(value);
    if (Buffer.byteLength(text) <= (spec.max ?? 0) && !NUL.test(text)) return text;
  } catch {
    // Not a value that an event can hold: counted below, like every other misfit.
  }
  misfits.count++;
  return null;
}
