// What a value of any kind stands for in JSON, and what its neighbours say about it: header lists, form fields,
// environment and command-line lists name a value from beside it.
import { classifyName, hides } from "./redaction-names.ts";

export type Scalar = string | number | boolean | null;

/** No value: undefined, functions and symbols, as JSON.stringify has it. */
export const NOTHING = Symbol("nothing");
/** A member that threw when it was read. */
export const UNREAD = Symbol("unread");

/** `value` as a scalar, an object or an array, as JSON would have it; may throw on hostile objects. */
export function plainOf(value: unknown): Scalar | object | typeof NOTHING {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
      // Events hold no fractions: the number's JSON text.
      return Number.isFinite(value) ? String(value) : null;
    case "bigint":
      return String(value);
    case "object":
      return value === null ? null : unboxed(value);
    default:
      return NOTHING;
  }
}

function unboxed(value: object): Scalar | object {
  if (Array.isArray(value)) return value;
  if (value instanceof Date)
    return Number.isFinite(Date.prototype.getTime.call(value))
      ? Date.prototype.toISOString.call(value)
      : null;
  if (value instanceof String) return String.prototype.valueOf.call(value);
  if (value instanceof Number) return plainOf(Number.prototype.valueOf.call(value)) as Scalar;
  if (value instanceof Boolean) return Boolean.prototype.valueOf.call(value);
  if (value instanceof BigInt) return String(BigInt.prototype.valueOf.call(value));
  if (value instanceof URL) return String(value);
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return `[BYTES ${value.byteLength}]`;
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  return value;
}

/** A member or element; `UNREAD` when its getter throws. */
export function readMember(object: object, name: string | number): unknown {
  try {
    return (object as Record<string | number, unknown>)[name];
  } catch {
    return UNREAD;
  }
}

/** Names under which a list entry holds the name of its value, and those for the value itself. */
const LABELS = new Set([
  ..."name key header field label element selector parameter param variable setting property".split(" "),
  ..."placeholder attribute option type id".split(" "),
]);
const VALUES = new Set(["value", "values", "val"]);
/** Browser tools type a `text` into the element that they describe. */
const TYPED_INTO = new Set(["element", "selector", "label", "placeholder", "field"]);

/** Longer texts are no names, but are not searched for one either. */
const MAX_LABEL = 4096;

/** An object as an entry of a list that names its values: `{name, value}`, `{key, value}`, `{element, text}`. */
export interface Entry {
  /** The member `key` when it is the label: its own name hides nothing then. */
  readonly label: string | undefined;
  /** Members that name the value, with their texts; as they are first, and as they are shown when that is known. */
  readonly labels: { readonly name: string; readonly text: string }[];
}

/** `cut`: the object has lost members, its value perhaps. */
export function entryOf(object: object, names: readonly string[], cut: boolean): Entry {
  const entry: Entry = {
    label:
      cut || names.some((name) => isValue(name) && isPresent(readMember(object, name)))
        ? names.find(isKey)
        : undefined,
    labels: [],
  };
  for (const name of names) if (isLabel(name)) noteLabel(entry, name, readMember(object, name));
  return entry;
}

/** Whether `name` is a member that may name another. */
export function isLabel(name: string): boolean {
  return LABELS.has(name.toLowerCase());
}

export function noteLabel(entry: Entry, name: string, text: unknown): void {
  if (typeof text === "string") entry.labels.push({ name: name.toLowerCase(), text });
}

/** Whether a label of the entry hides the member `name`. */
export function hidesMember(entry: Entry, name: string, value: unknown): boolean {
  const isText = name.toLowerCase() === "text";
  if (!isText && !isValue(name)) return false;
  return entry.labels.some(
    ({ name: label, text }) =>
      (!isText || TYPED_INTO.has(label)) && (text.length > MAX_LABEL || hides(classifyName(text), value)),
  );
}

function isValue(name: string): boolean {
  return VALUES.has(name.toLowerCase());
}

function isKey(name: string): boolean {
  return name.toLowerCase() === "key";
}

function isPresent(value: unknown): boolean {
  return value !== undefined && typeof value !== "function" && typeof value !== "symbol";
}

/** `["--password", "value"]`: whether the element behind `previous`, which is `next`, is hidden by it. */
export function hidesNext(previous: unknown, next: unknown): boolean {
  if (typeof previous !== "string" || !previous.startsWith("-") || previous.length > MAX_LABEL) return false;
  if (typeof next === "string" && next.startsWith("-")) return false;
  return !/[=\s]/.test(previous) && classifyName(previous) === "secret";
}

/** `["X-Api-Key", "value"]`, one of a list of such pairs: whether the second is hidden by the first. */
export function hidesSecond(first: unknown, second: unknown): boolean {
  return typeof first === "string" && /^[\w.-]{1,64}$/.test(first) && hides(classifyName(first), second);
}
