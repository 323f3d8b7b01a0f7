import type { Kind } from "../event/fields.ts";
import type { Told } from "../event/pruned.ts";
import type { EventFilter } from "../query/filter.ts";

/** What retention is to keep: events of a kind until they are this old. */
export interface PruneRules {
  readonly now: number;
  readonly keepMs: Readonly<Record<Kind, number>>;
  /** Bytes that the events may take with their indexes and sums; 0: no cap. */
  readonly maxBytes: number;
  /** Events that one of these finds, of any kind, stay, whatever their age and the cap: legal holds. */
  readonly holds: readonly EventFilter[];
}

/** Events of one node that are to go, between two seqs, both included. */
export interface PruneRange {
  readonly nodeId: string;
  readonly fromSeq: number;
  readonly toSeq: number;
  /** How many of each kind; kinds without any are left out. */
  readonly kinds: Readonly<Partial<Record<Kind, number>>>;
  /** How many more of these kinds, as old and between these seqs, stay, for they are held. */
  readonly held: number;
}

/** What retention has said of a log, and what came of it. */
export interface ToldSoFar extends Told {
  /** Events that it named, or named as gone, and that are there. */
  readonly left: number;
}

/** What a run removes: nothing else, and not less, whatever is appended meanwhile. */
export interface PrunePlan {
  /** Events of a kind that were recorded before (UTC ms). */
  readonly before: Readonly<Record<Kind, number>>;
  /** Whether the cap on bytes, and not only age, decided. */
  readonly capped: boolean;
  /** Those of the rules: what they find is in no range's numbers, and stays. */
  readonly holds: readonly EventFilter[];
  readonly ranges: readonly PruneRange[];
  /** What the events of action `pruned` in the store say, but for those whose place others have taken. */
  readonly told: readonly ToldSoFar[];
}

/** How far a plan is carried out; opaque. */
export interface PruneProgress {
  readonly part: "events" | "sums" | "words" | "space";
  readonly at: number;
  readonly from: number;
}

export interface PruneStep {
  /** Events that this step removed. */
  readonly events: number;
  /** For the next step; null: nothing of the plan is left to do. */
  readonly next: PruneProgress | null;
}

/** Whether what a step is about to do is still to be done: a writer may have waited long for its turn. */
export type IsMeant = () => boolean;

/** Whose personal data is to go, and where not. */
export interface Subject {
  readonly userId: string;
  /** Takes the user's place in sums and charges. */
  readonly pseudonym: string;
  /** Events that one of these finds, of any kind, stay as they are: legal holds. */
  readonly holds: readonly EventFilter[];
}

/** What there is of a subject. */
export interface Traces {
  /** Events that an erasure changes. */
  readonly events: number;
  /** Events that it would, but for a hold. */
  readonly held: number;
  /** When the oldest of both was recorded, UTC ms; null: there is none. */
  readonly since: number | null;
}

/** How far an erasure is carried out; opaque. */
export interface EraseProgress {
  readonly part: "events" | "sums" | "words" | "space";
  readonly from: number;
  readonly isHeld: boolean;
}

export interface EraseStep {
  /** Events that this step erased, and that it left because they are held. */
  readonly events: number;
  readonly held: number;
  /** For the next step; null: nothing is left to do. */
  readonly next: EraseProgress | null;
}
