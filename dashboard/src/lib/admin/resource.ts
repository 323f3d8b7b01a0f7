// What is administered, as data: a list, its columns, and the changes that may be made. One page shows all of them.
import type { Values } from "./values.ts";

export type Row = Values;

export interface Column {
  readonly title: string;
  readonly text: (row: Row) => string;
  /** Shown as a time. */
  readonly isTime?: boolean;
  readonly isCode?: boolean;
  /** How well it is. */
  readonly tone?: (row: Row) => "good" | "bad" | "late" | "idle";
  readonly href?: (row: Row) => string | null;
}

/** A change that is about to be made. */
export interface Change {
  readonly title: string;
  /** On the button that makes it. */
  readonly verb: string;
  readonly method: "POST" | "PATCH" | "PUT" | "DELETE";
  readonly path: string;
  /** The path as the API's description writes it. */
  readonly template: string;
  readonly before?: Values;
  /** `before`, where the list does not have it. */
  readonly load?: () => Promise<Values>;
  readonly about?: string;
  /** Takes something away: a reason must be given. */
  readonly isDanger?: boolean;
}

/** Something that is asked, and answered at once. */
export interface Try {
  readonly title: string;
  readonly path: string;
  readonly said: (answer: Values) => { readonly text: string; readonly isBad: boolean };
}

export interface Resource {
  readonly title: string;
  readonly about: string;
  /** Where its list is. */
  readonly path: string;
  readonly columns: readonly Column[];
  readonly keyOf: (row: Row) => string;
  readonly nameOf: (row: Row) => string;
  readonly create?: Change;
  readonly changes: (row: Row) => readonly Change[];
  /** The filter of the events about it. */
  readonly events: (row: Row) => Values;
  readonly tries?: (row: Row) => readonly Try[];
  /** When there are none yet. */
  readonly none: string;
}
