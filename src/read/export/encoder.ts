// What a format is: events in, text or bytes out, one part after the other.
import type { Row } from "../../event/fields.ts";

export type Alike = readonly number[] | null;

export interface Encoder {
  /** Before the first event. */
  head(): string | Uint8Array;
  /** Events that follow those before. `alike` as in stores/store.ts, for all that the encoder is given. */
  rows(rows: readonly Row[], alike: Alike): string | Uint8Array;
  /** After the last. */
  end(): string | Uint8Array;
  /** JSON from which another encoder of the format goes on, without a head of its own. */
  readonly state: unknown;
}

/** `state` of the encoder that wrote what is there; null: nothing is there. */
export type OpenEncoder = (state: unknown) => Encoder;

/** An encoder whose rows do not depend on those before: `line` writes one of them. */
export function lineEncoder(
  line: (row: Row, alike: number | undefined) => string,
  head = "",
  end = "",
): OpenEncoder {
  return () => ({
    head: () => head,
    rows: (rows, alike) => rows.map((row, index) => line(row, alike?.[index])).join(""),
    end: () => end,
    state: null,
  });
}
