// What a `pruned` event says, in its metadata: which events of a log retention is about to remove, and what became of what
// it said of that log before. Not all that is said is done: a legal hold may begin meanwhile, or Daybook may die. So
// each of them takes the place of those before it (`after`), and says how much of theirs is gone.
import { KINDS, type Kind } from "./fields.ts";

type ByKind = Readonly<Partial<Record<Kind, number>>>;

export interface Pruned {
  /** Whose events, and between which of their seqs, both included. */
  readonly nodeId: string;
  readonly from: number;
  readonly to: number;
  /** How many of each kind are to go: those recorded before `before` (UTC ms), but for so many (`held`) under a hold. */
  readonly kinds: ByKind;
  readonly before: ByKind;
  readonly held: number;
  /** How many of the log had gone already, of those that are told of in the logs of `after` up to these seqs. */
  readonly gone: number;
  readonly after: ReadonlyMap<string, number>;
}

/** With the event that says it: its log, and its seq there. */
export interface Told extends Pruned {
  readonly by: string;
  readonly seq: number;
}

const BEFORE = "_before";
const AFTER = "after_";

/** The metadata's members. */
export function prunedFacts(because: "age" | "size", said: Pruned): Record<string, number | string> {
  const { nodeId, from, to, kinds, before, held, gone, after } = said;
  const times = Object.entries(before).map(([kind, at]) => [kind + BEFORE, at]);
  const told = [...after].map(([by, seq]) => [AFTER + by, seq]);
  const counts = { ...(held > 0 ? { held } : {}), ...(gone > 0 ? { gone } : {}) };
  const facts = { node: nodeId, from_seq: from, to_seq: to, because, ...counts };
  return { ...facts, ...kinds, ...Object.fromEntries([...times, ...told]) };
}

/** Null when the metadata's text says nothing of the kind. */
export function parsePruned(metadata: string | null): Pruned | null {
  try {
    const found = JSON.parse(metadata ?? "") as Record<string, unknown>;
    const { node: nodeId, from_seq: from, to_seq: to } = found;
    if (typeof nodeId !== "string" || typeof from !== "number" || typeof to !== "number") return null;
    const ofKinds = (end: string): ByKind =>
      Object.fromEntries(
        KINDS.flatMap((kind) => (kind + end in found ? [[kind, amount(found[kind + end])]] : [])),
      );
    const after = Object.keys(found).filter((name) => name.startsWith(AFTER));
    return {
      nodeId,
      from,
      to,
      kinds: ofKinds(""),
      before: ofKinds(BEFORE),
      held: amount(found.held),
      gone: amount(found.gone),
      after: new Map(after.map((name) => [name.slice(AFTER.length), amount(found[name])])),
    };
  } catch {
    return null;
  }
}

/** Those whose place no other has taken; all are of one log. */
export function inForce<T extends Told>(told: readonly T[]): T[] {
  const upTo = new Map<string, number>();
  for (const { after } of told) for (const [by, seq] of after) upTo.set(by, Math.max(seq, upTo.get(by) ?? 0));
  return told.filter(({ by, seq }) => seq > (upTo.get(by) ?? 0));
}

/** The times of these kinds alone. */
export function beforeOf(before: Readonly<Record<Kind, number>>, kinds: ByKind): ByKind {
  return Object.fromEntries(
    KINDS.flatMap((kind) => (kinds[kind] === undefined ? [] : [[kind, before[kind]]])),
  );
}

export function sumOf(kinds: ByKind): number {
  return Object.values(kinds).reduce((sum, count) => sum + count, 0);
}

/** How many events of their one log may be gone by what they say. */
export function accountedFor(told: readonly Told[]): number {
  const counted = inForce(told);
  const gone = counted.reduce((most, each) => Math.max(most, each.gone), 0);
  return counted.reduce((sum, { kinds }) => sum + sumOf(kinds), gone);
}

const amount = (value: unknown): number => Math.max(0, Number(value ?? 0) || 0);
