// What is administered, as data: a list, its columns, and the changes that may be made. One list shows all of them.

import type { Component } from "svelte";
import type { Grant } from "#lib/session.svelte.ts";
import type { Shape } from "./fields.ts";
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
  /** How far it is, from 0 to 1; null: nobody knows, or it is over. */
  readonly progress?: (row: Row) => number | null;
}

/** What a change would come to. */
export interface Rehearsal {
  readonly lines: readonly { readonly text: string; readonly href?: string }[];
  /** It would be refused. */
  readonly isBlocked?: boolean;
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
  /** What its route asks for; `admin` unless said. */
  readonly grant?: Grant | readonly Grant[];
  readonly before?: Values;
  /** `before`, where the list does not have it. */
  readonly load?: () => Promise<Values>;
  readonly about?: string;
  /** Takes something away: a reason must be given. */
  readonly isDanger?: boolean;
  /** Fields that are asked for in another shape than the API's description says. */
  readonly shapes?: () => Promise<Readonly<Record<string, Shape>>>;
  /** The body that is sent, of what the form made. */
  readonly body?: (given: Values) => Values;
  /** What the server has against a body, asked while it is typed; null: nothing. */
  readonly check?: (body: Values) => Promise<string | null>;
  /** Asked before it is made. */
  readonly rehearse?: (body: Values) => Promise<Rehearsal>;
  /** What must be typed before it is made, since there is no way back. */
  readonly confirm?: (after: Values) => string;
}

/** What came of something that was done at once. */
export interface Outcome {
  readonly text: string;
  readonly isBad?: boolean;
  readonly link?: { readonly href: string; readonly text: string };
}

/** Something that is done at once; null: it shows by itself. */
export interface Deed {
  readonly title: string;
  /** What its route asks for; `admin` unless said. */
  readonly grant?: Grant | readonly Grant[];
  readonly run: () => Promise<Outcome | null>;
}

/** What a list does not say of a row. */
export interface Details {
  readonly title: (row: Row) => string;
  readonly load: () => Promise<{
    readonly default: Component<{ row: Row; begin: (change: Change) => void }>;
  }>;
}

export interface Resource {
  readonly title: string;
  readonly about: string;
  /** Where its list is. */
  readonly path: string;
  /** Those rows of it that are meant; all unless said. */
  readonly only?: (row: Row) => boolean;
  readonly columns: readonly Column[];
  readonly keyOf: (row: Row) => string;
  readonly nameOf: (row: Row) => string;
  readonly create?: Change;
  readonly changes: (row: Row) => readonly Change[];
  /** The filter of the events about it. */
  readonly events: (row: Row) => Values;
  readonly deeds?: (row: Row) => readonly Deed[];
  readonly details?: Details;
  /** Whether it changes by itself just now: then it is read again and again. */
  readonly isMoving?: (row: Row) => boolean;
  /** When there are none yet. */
  readonly none: string;
}
