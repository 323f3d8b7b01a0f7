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
const LEAF_VERSION_JSON = canonicalJson(LEAF_VERSION);

/** Bytes of a group's salt. */
export const SALT_BYTES = 16;
/** Bytes of a group's commitment. */
const HASH_BYTES = 32;

/** Whether a group of the event was erased. */
export function isErased({ p1Salt, p2Salt }: JournalEvent): boolean {
  return p1Salt.length === HASH_BYTES || p2Salt.length === HASH_BYTES;
}

/** A member's key with the colon after it, and with a comma before it; and its column. */
type Member = readonly [string, string, number];

function member(name: string, column: number): Member {
  const key = `${JSON.stringify(name)}:`;
  return [key, `,${key}`, column];
}

/** Of a class's fields, in canonical order. */
function members(fieldClass: FieldClass): Member[] {
  return FIELDS.map((field, column) => ({ field, column }))
    .filter(({ field }) => field.class === fieldClass)
    .sort((a, b) => (a.field.name < b.field.name ? -1 : 1))
    .map(({ field, column }) => member(field.name, column));
}

const P1 = members("p1");
const P2 = members("p2");
/** `p1`, `p2` and `v` stand among the public fields in canonical order. */
const PUBLIC = [...members("public"), member("p1", -1), member("p2", -2), member("v", -3)];
PUBLIC.sort(([a], [b]) => (a < b ? -1 : 1));

function group(row: readonly Cell[], fields: readonly Member[], isPlain: boolean): string {
  let text = "{";
  for (const [key, next, column] of fields) {
    const value = row[column];
    if (value !== null && value !== undefined)
      text += (text.length === 1 ? key : next) + jsonOf(value, isPlain);
  }
  return `${text}}`;
}

/**
 * Whatever JSON.stringify may write otherwise than as it is: quotes, backslashes, controls, lone surrogates; and pairs of
 * these, since an expression without the flag u is faster.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

/** As JSON.stringify writes it, in half the time: cells are integers, truth values, and strings with nothing to escape. */
function jsonOf(cell: Cell, isPlain: boolean): string {
  if (typeof cell !== "string") return String(cell);
  return isPlain || !ESCAPED.test(cell) ? `"${cell}"` : JSON.stringify(cell);
}

/** Bytes that are hashed and then forgotten, most of them far shorter. */
const SCRATCH = Buffer.allocUnsafeSlow(16_384);
/** Of UTF-8, for a code unit. */
const MAX_UNIT_BYTES = 3;

/** Lowercase hex of SHA-256(salt ‖ group). */
function commitment(salt: Uint8Array, text: string): string {
  if (salt.length === HASH_BYTES) return Buffer.from(salt).toString("hex");
  const most = salt.length + MAX_UNIT_BYTES * text.length;
  const bytes = most > SCRATCH.length ? Buffer.allocUnsafe(most) : SCRATCH;
  bytes.set(salt);
  return hash("sha256", bytes.subarray(0, salt.length + bytes.write(text, salt.length)), "hex");
}

/**
 * RFC 8785 text of the leaf of `row`; its UTF-8 bytes are the leaf. `isPlain`: it is known that JSON escapes nothing in
 * the row.
 */
export function leafText(
  row: readonly Cell[],
  p1Salt: Uint8Array,
  p2Salt: Uint8Array,
  isPlain = false,
): string {
  let text = "{";
  for (const [key, next, column] of PUBLIC) {
    let value: string;
    if (column >= 0) {
      const cell = row[column];
      if (cell === null || cell === undefined) continue;
      value = jsonOf(cell, isPlain);
    } else if (column === -1) value = `"${commitment(p1Salt, group(row, P1, isPlain))}"`;
    else if (column === -2) value = `"${commitment(p2Salt, group(row, P2, isPlain))}"`;
    else value = LEAF_VERSION_JSON;
    text += (text.length === 1 ? key : next) + value;
  }
  return `${text}}`;
}

/** The event without its groups P1 and P2: its leaf is the same. Erasing again changes nothing. */
export function erased({ row, p1Salt, p2Salt }: JournalEvent): JournalEvent {
  const left = row.slice();
  for (const [, , column] of [...P1, ...P2]) left[column] = null;
  return {
    row: left,
    p1Salt: Buffer.from(commitment(p1Salt, group(row, P1, false)), "hex"),
    p2Salt: Buffer.from(commitment(p2Salt, group(row, P2, false)), "hex"),
  };
}

/** What the leaf is made of, by name: for those who verify it without a list of fields. */
export function leafParts({ row, p1Salt, p2Salt }: JournalEvent) {
  const named = (fields: readonly Member[]) =>
    Object.fromEntries(
      fields.flatMap(([key, , column]) => {
        const value = row[column];
        return column < 0 || value === null || value === undefined
          ? []
          : [[key.slice(1, -2), value] as const];
      }),
    );
  const grouped = (salt: Uint8Array, fields: readonly Member[]) => {
    const hex = Buffer.from(salt).toString("hex");
    return salt.length === HASH_BYTES ? { hash: hex } : { salt: hex, fields: named(fields) };
  };
  return { public: named(PUBLIC), p1: grouped(p1Salt, P1), p2: grouped(p2Salt, P2) };
}
