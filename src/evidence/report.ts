// What a verification says: never just good or bad.

/** From the best to the worst, with the exit code of `daybook verify`. */
export const STATES = {
  /** All events are there, as they were recorded and sealed. */
  VALID: 0,
  /** As VALID, but for groups of personal fields that were erased: their commitments still verify. */
  VALID_ERASED: 10,
  /** As VALID, but for events that retention removed, all of them named by sealed `pruned` events. */
  PRUNED: 11,
  /** The newest events are not under a checkpoint yet. */
  UNSEALED_TAIL: 12,
  /** There is no checkpoint: nothing is proven. */
  NOT_SEALED: 20,
  /** The checkpoints are by a key that is not known: nothing is proven. */
  KEY_UNKNOWN: 21,
  /** Something that was sealed is not there, and nothing says why. */
  MISSING: 30,
  /** Something is not what was sealed. */
  TAMPERED: 31,
  /** The log is not the one that was anchored outside: cut, rolled back, replaced or removed. */
  ANCHOR_CONFLICT: 32,
} as const;

export type State = keyof typeof STATES;

export interface Finding {
  readonly state: State;
  /** A sentence without personal data. */
  readonly detail: string;
}

/** Seqs, both included. */
export interface SeqRange {
  readonly from: number;
  readonly to: number;
}

export interface LogReport {
  readonly nodeId: string;
  /** Which of the places that were looked at. */
  readonly place: string;
  readonly state: State;
  readonly findings: readonly Finding[];
  /** Events that the newest good checkpoint covers, and its time (UTC ms). */
  readonly size: number;
  readonly sealedAt: number | null;
  /** Good checkpoints. */
  readonly checkpoints: number;
  /** Verifier key of the newest one. */
  readonly key: string | null;
  /** Events whose leaves were compared; of these, erased ones. */
  readonly events: number;
  readonly erased: number;
  /** Events that retention removed. */
  readonly pruned: number;
  /** Events that are not sealed yet. */
  readonly tail: number;
}

export function worstOf(states: readonly State[]): State {
  let worst: State = "VALID";
  for (const state of states) if (STATES[state] > STATES[worst]) worst = state;
  return worst;
}
