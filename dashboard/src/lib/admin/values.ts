// The values of a form: what is empty is left out, and a change sends what differs and nothing else.
import type { Field } from "./fields.ts";

export type Values = Readonly<Record<string, unknown>>;

/**
 * The fields that say why, which are no part of what changes. A `reason` beside a `justification` is what is told to
 * others, and is.
 */
export function isReason({ name }: Field, fields: readonly Field[]): boolean {
  return (
    name === "justification" || (name === "reason" && fields.every((each) => each.name !== "justification"))
  );
}

export interface Difference {
  readonly name: string;
  /** undefined: there was none, or will be none. */
  readonly before: unknown;
  readonly after: unknown;
  readonly isSecret: boolean;
}

/** Without what is empty: "", null, undefined, empty lists and groups. undefined when nothing is left. */
export function filled(value: unknown): unknown {
  if (value === "" || value === null || value === undefined) return undefined;
  if (Array.isArray(value)) {
    const some = value.map(filled).filter((each) => each !== undefined);
    return some.length === 0 ? undefined : some;
  }
  if (typeof value !== "object") return value;
  const some = Object.entries(value).flatMap(([name, each]) => {
    const kept = filled(each);
    return kept === undefined ? [] : [[name, kept] as const];
  });
  return some.length === 0 ? undefined : Object.fromEntries(some);
}

export function isSame(one: unknown, other: unknown): boolean {
  return canonical(filled(one)) === canonical(filled(other));
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
      : each,
  );
}

/** What would be different after `after`, field by field. */
export function differences(fields: readonly Field[], before: Values, after: Values): Difference[] {
  return fields
    .filter((field) => !isReason(field, fields) && !isSame(before[field.name], after[field.name]))
    .map(({ name, shape }) => ({
      name,
      before: filled(before[name]),
      after: filled(after[name]),
      isSecret: shape.is === "secret" || (shape.is === "pairs" && name === "headers"),
    }));
}

/** The body of a request: of a PATCH what differs, null for what is taken away; else all that is filled. */
export function bodyOf(method: string, fields: readonly Field[], before: Values, after: Values): Values {
  const reasons = fields.filter(
    (field) => isReason(field, fields) && filled(after[field.name]) !== undefined,
  );
  const given = Object.fromEntries(reasons.map(({ name }) => [name, after[name]]));
  if (method === "PATCH") {
    const changed = differences(fields, before, after);
    return {
      ...Object.fromEntries(changed.map(({ name, after: value }) => [name, value ?? null])),
      ...given,
    };
  }
  return {
    ...(filled(Object.fromEntries(fields.map(({ name }) => [name, after[name]]))) as Values | undefined),
  };
}

/** A value in words. */
export function worded(value: unknown): string {
  if (value === undefined || value === null || value === "") return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value) && value.every((each) => typeof each !== "object")) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value, null, 1).replace(/\n\s*/g, " ") : String(value);
}

/** `cost_micros_per_day` as a label. */
export function labelOf(name: string): string {
  const words = name
    .replaceAll("_", " ")
    .replace(/\b(?:id|url|ms|api|ca)\b/g, (word) => (word === "ms" ? "(ms)" : word.toUpperCase()));
  return words.charAt(0).toUpperCase() + words.slice(1);
}
