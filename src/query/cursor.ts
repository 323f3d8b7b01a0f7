// Where the next page of a list starts, and as of when it is read: opaque and safe in a URL.
import { DaybookError } from "../event/errors.ts";
import type { AsOf, EventKey } from "./filter.ts";

interface Cursor {
  readonly after: EventKey;
  readonly asOf: AsOf;
}

export function encodeCursor({ after, asOf }: Cursor): string {
  const bytes = new TextEncoder().encode(
    JSON.stringify([1, after.recordedAt, after.nodeId, after.seq, asOf]),
  );
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

/** Throws `bad_cursor` on anything that `encodeCursor` did not make. */
export function decodeCursor(text: string): Cursor {
  try {
    const [version, recordedAt, nodeId, seq, asOf] = JSON.parse(decoded(text)) as unknown[];
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

function decoded(text: string): string {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
}

function isAsOf(value: unknown): value is AsOf {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(Number.isSafeInteger)
  );
}
