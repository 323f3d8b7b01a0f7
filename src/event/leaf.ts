// The bytes of an event's leaf. A leaf holds no personal data: public fields as they are, and for each of the
// groups P1 and P2 one commitment SHA-256(salt ‖ canonical JSON of the group), so that a group and its salt can
// be erased and the log still verifies. Null fields are left out: a new field never changes old leaves.
import { hash } from "node:crypto";
import { canonicalJson } from "./canonical.ts";
import { type Cell, FIELDS, type FieldClass, type Row } from "./fields.ts";

/**
 * An event as the journal made it: its row and the salts of its two groups (SALT_BYTES each). Of a group that was erased
 * the cells are null, and in the place of its salt is its commitment (HASH_BYTES).
 */
export interface JournalEvent {
  readonly row: Row;
  readonly p1Salt: Uint8Array;
  readonly p2Salt: Uint8Array;
}

/** Version of this form, the leaf's `v`. */
export const LEAF_VERSION = 1;

/** Bytes of a group's salt. */
export const SALT_BYTES = 16;
/** Bytes of a group's commitment. */
const HASH_BYTES = 32;

/** Whether a group of the event was erased. */
export function isErased({ p1Salt, p2Salt }: JournalEvent): boolean {
  return p1Salt.length === HASH_BYTES || p2Salt.length === HASH_BYTES;
}

/** `[key with the comma before and the colon after it, column]` of a class's fields, in canonical order. */
function members(fieldClass: FieldClass): [string, number][] {
  return FIELDS.map((field, column) => ({ field, column }))
    .filter(({ field }) => field.class === fieldClass)
    .sort((a, b) => (a.field.name < b.field.name ? -1 : 1))
    .map(({ field, column }) => [`,${JSON.stringify(field.name)}:`, column]);
}

const P1 = members("p1");
const P2 = members("p2");
/** `p1`, `p2` and `v` stand among the public fields in canonical order. */
const PUBLIC: [string, number][] = [...members("public"), [',"p1":', -1], [',"p2":', -2], [',"v":', -3]] as [
  string,
  number,
][];
PUBLIC.sort(([a], [b]) => (a < b ? -1 : 1));

function group(row: readonly Cell[], fields: readonly [string, number][]): string {
  let text = "";
  for (const [key, column] of fields) {
    const value = row[column];
    if (value !== null && value !== undefined) text += key + jsonOf(value);
  }
  return `{${text.slice(1)}}`;
}

/**
 * Whatever JSON.stringify may write otherwise than as it is: quotes, backslashes, controls, lone surrogates; and pairs of
 * these, since an expression without the flag u is faster.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

/** As JSON.stringify writes it, in half the time: cells are integers, truth values, and strings with nothing to escape. */
function jsonOf(cell: Cell): string {
  if (typeof cell !== "string") return String(cell);
  return ESCAPED.test(cell) ? JSON.stringify(cell) : `"${cell}"`;
}

/** Lowercase hex of SHA-256(salt ‖ group). */
function commitment(salt: Uint8Array, text: string): string {
  if (salt.length === HASH_BYTES) return Buffer.from(salt).toString("hex");
  const bytes = Buffer.allocUnsafe(salt.length + Buffer.byteLength(text));
  bytes.set(salt);
  bytes.write(text, salt.length);
  return hash("sha256", bytes, "hex");
}

/** RFC 8785 text of the leaf of `row`; its UTF-8 bytes are the leaf. */
export function leafText(row: readonly Cell[], p1Salt: Uint8Array, p2Salt: Uint8Array): string {
  let text = "";
  for (const [key, column] of PUBLIC) {
    let value: string;
    if (column >= 0) {
      const cell = row[column];
      if (cell === null || cell === undefined) continue;
      value = jsonOf(cell);
    } else if (column === -1) value = `"${commitment(p1Salt, group(row, P1))}"`;
    else if (column === -2) value = `"${commitment(p2Salt, group(row, P2))}"`;
    else value = canonicalJson(LEAF_VERSION);
    text += key + value;
  }
  return `{${text.slice(1)}}`;
}

/** The event without its groups P1 and P2: its leaf is the same. Erasing again changes nothing. */
export function erased({ row, p1Salt, p2Salt }: JournalEvent): JournalEvent {
  const left = row.slice();
  for (const [, column] of [...P1, ...P2]) left[column] = null;
  return {
    row: left,
    p1Salt: Buffer.from(commitment(p1Salt, group(row, P1)), "hex"),
    p2Salt: Buffer.from(commitment(p2Salt, group(row, P2)), "hex"),
  };
}

/** What the leaf is made of, by name: for those who verify it without a list of fields. */
export function leafParts({ row, p1Salt, p2Salt }: JournalEvent) {
  const named = (fields: readonly [string, number][]) =>
    Object.fromEntries(
      fields.flatMap(([key, column]) => {
        const value = row[column];
        return column < 0 || value === null || value === undefined
          ? []
          : [[key.slice(2, -2), value] as const];
      }),
    );
  const grouped = (salt: Uint8Array, fields: readonly [string, number][]) => {
    const hex = Buffer.from(salt).toString("hex");
    return salt.length === HASH_BYTES ? { hash: hex } : { salt: hex, fields: named(fields) };
  };
  return { public: named(PUBLIC), p1: grouped(p1Salt, P1), p2: grouped(p2Salt, P2) };
}
