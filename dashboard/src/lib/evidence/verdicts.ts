// What a verification says, in words: what each state means, and what it does not prove.
import type { State } from "../../../../src/evidence/report.ts";

interface Verdict {
  readonly tone: "good" | "late" | "bad";
  readonly text: string;
}

export const VERDICTS: Readonly<Record<State, Verdict>> = {
  VALID: { tone: "good", text: "All events are there, as they were recorded and sealed." },
  VALID_ERASED: {
    tone: "good",
    text: "All events are there as they were sealed, but for personal fields that were erased: their commitments still verify.",
  },
  PRUNED: {
    tone: "good",
    text: "All is as it was sealed, but for events that retention removed; sealed events of Daybook's name all of them.",
  },
  UNSEALED_TAIL: {
    tone: "late",
    text: "All that is sealed verifies. The newest events are not under a checkpoint yet.",
  },
  NOT_SEALED: { tone: "late", text: "There is no checkpoint: nothing is proven." },
  KEY_UNKNOWN: { tone: "late", text: "The checkpoints are by a key that is not known: nothing is proven." },
  MISSING: { tone: "bad", text: "Something that was sealed is not there, and nothing says why." },
  TAMPERED: { tone: "bad", text: "Something is not what was sealed." },
  ANCHOR_CONFLICT: {
    tone: "bad",
    text: "The log is not the one that was anchored outside: cut, rolled back, replaced or removed.",
  },
};

/** Of a state that this dashboard does not know, the word alone. */
export function verdictOf(state: unknown): Verdict {
  const known = Object.hasOwn(VERDICTS, String(state)) ? VERDICTS[state as State] : undefined;
  return known ?? { tone: "bad", text: String(state) };
}
