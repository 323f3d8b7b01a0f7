// What may be asked of the trail: one typed query for REST, CLI and stores, and its cursor.
import { DaybookError } from "./errors.ts";
import type { Cell, FieldName } from "./fields.ts";

/** A point in the order of lists: newest first by (recorded_at, node_id, seq). */
export interface EventKey {
  readonly recordedAt: number;
  readonly nodeId: string;
  readonly seq: number;
}

/** For each node the last seq that a paged list may show, so that pages do not shift while events arrive. */
export type AsOf = Readonly<Record<string, number>>;

export interface EventFilter {
  /** Field → the values it may have; null stands for "has none". */
  readonly where: { readonly [name in FieldName]?: readonly Cell[] };
  /** Inclusive bounds on recorded_at, UTC ms. */
  readonly since?: number;
  readonly until?: number;
  /** Kind `system` is left out unless this or a filter on `kind` asks. */
  readonly includeSystem?: boolean;
}

export interface EventQuery extends EventFilter {
  /** 1–1000. */
  readonly limit: number;
  /** Only events after this one in list order, that is older. */
  readonly after?: EventKey;
  readonly asOf?: AsOf;
}

/** A part of an export: everything that matches, newest first, as it was at one moment. */
export interface RowsQuery extends EventFilter {
  /** 1–MAX_ROWS. */
  readonly limit: number;
  readonly after?: EventKey;
  readonly asOf?: AsOf;
  /** Of each node that it names only events after this seq: those that an export before did not have. */
  readonly beyond?: AsOf;
}

export const MAX_ROWS = 10_000;

export const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1000;

interface Cursor {
  readonly after: EventKey;
  readonly asOf: AsOf;
}

/** An opaque, URL-safe cursor. */
export function encodeCursor({ after, asOf }: Cursor): string {
  return Buffer.from(JSON.stringify([1, after.recordedAt, after.nodeId, after.seq, asOf])).toString(
    "base64url",
  );
}

/** Throws `bad_cursor` on anything that `encodeCursor` did not make. */
export function decodeCursor(text: string): Cursor {
  try {
    const [version, recordedAt, nodeId, seq, asOf] = JSON.parse(
      Buffer.from(text, "base64url").toString(),
    ) as unknown[];
    if (
      version === 1 &&
      Number.isSafeInteger(recordedAt) &&
      typeof nodeId === "string" &&
      Number.isSafeInteger(seq) &&
      isAsOf(asOf)
    ) {
      const cursor = { after: { recordedAt: recordedAt as number, nodeId, seq: seq as number }, asOf };
      if (encodeCursor(cursor) === text) return cursor;
    }
  } catch {
    // Not base64 of JSON: refused below.
  }
  throw new DaybookError("bad_cursor");
}

function isAsOf(value: unknown): value is AsOf {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(Number.isSafeInteger)
  );
}
