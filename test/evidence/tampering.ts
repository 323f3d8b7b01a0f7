// Flips single bits of all that a sealed log is kept in, and looks whether the verifier sees it.
import { type Place, verifyPlace } from "../../src/evidence/verify.ts";
import { nodeSha256 } from "../../src/journal/signing-key.ts";

/** What a verification says, and the events that an export would hold; these are read only where the verdict is good. */
export interface Seen {
  readonly verdict: string;
  readonly exported: string;
}

export interface Target {
  readonly name: string;
  readonly bits: number;
  /** Flips the bit, or puts it back. */
  readonly flip: (bit: number) => void;
  readonly look: () => Promise<Seen>;
  /** The same, while this bit is flipped and nothing else: what it cannot have changed may be remembered. */
  readonly glance: (bit: number) => Promise<Seen>;
  /** The bit is where the verifier reads nothing. */
  readonly isUnread?: (bit: number) => boolean;
  readonly end: () => void;
}

export async function verdictOf(place: Place): Promise<string> {
  const reports = await verifyPlace(place, { sha256: nodeSha256, trusted: null, anchors: new Map() });
  return JSON.stringify(reports.map(({ nodeId, state, events }) => [nodeId, state, events]));
}

/** Every log that was found is valid. */
export function isGood(verdict: string): boolean {
  return /^\[(\["[0-9a-f]{16}","VALID",\d+\],?)+\]$/.test(verdict);
}

export interface Found {
  flips: number;
  /** How many flips were followed by what: the worst state, `unreadable`, `same` (verdict and export), `unread`. */
  readonly told: Record<string, number>;
  /** Flips of which nothing was seen, although the export differs; and those of which a glance says other than a look. */
  readonly unseen: number[];
  readonly unlike: number[];
}

export const nothingFound = (): Found => ({ flips: 0, told: {}, unseen: [], unlike: [] });

/** Flips each of the bits in turn, and puts it back. Every `lookEvery`th is looked at in full. */
export async function flip(target: Target, bits: Iterable<number>, lookEvery: number): Promise<Found> {
  const before = await target.look();
  if (!isGood(before.verdict)) throw new Error(`${target.name} is not whole: ${before.verdict}`);
  const found = nothingFound();
  for (const bit of bits) {
    found.flips++;
    const isLooked = found.flips % lookEvery === 0;
    if (target.isUnread?.(bit) === true && !isLooked) {
      count(found, "unread");
      continue;
    }
    target.flip(bit);
    // What cannot be read at all is seen.
    const after = await target.glance(bit).catch(() => null);
    const inFull = isLooked ? await target.look().catch(() => null) : after;
    target.flip(bit);
    if (after?.verdict !== inFull?.verdict || after?.exported !== inFull?.exported) found.unlike.push(bit);
    const isSame = after?.verdict === before.verdict && after.exported === before.exported;
    if (after !== null && isGood(after.verdict) && !isSame) found.unseen.push(bit);
    count(found, after === null ? "unreadable" : isSame ? "same" : statesIn(after.verdict));
  }
  return found;
}

function count({ told }: Found, what: string): void {
  told[what] = (told[what] ?? 0) + 1;
}

function statesIn(verdict: string): string {
  const states = (JSON.parse(verdict) as [string, string, number][]).map(([, state]) => state);
  return [...new Set(states)].sort().join("+");
}
