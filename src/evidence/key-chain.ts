// The keys that a log was signed with, one after the other. Each hands over to the next in a note that it signs
// itself: whoever trusts one of them can follow the chain from there.
import { originOf } from "./checkpoint.ts";
import {
  parseNote,
  parseVerifierKey,
  type Sha256,
  type VerifierKey,
  verifyNote,
  writeVerifierKey,
} from "./note.ts";

/** As it is kept, in JSON. */
export interface KeyChain {
  readonly format: 1;
  /** Verifier keys (C2SP), oldest first. */
  readonly keys: readonly string[];
  /** Signed notes: the n-th is by the n-th key and names the one after it. */
  readonly handovers: readonly string[];
}

/** A key and the sizes of the log that it may sign, both ends included. */
export interface KeySpan {
  readonly key: VerifierKey;
  readonly from: number;
  readonly to: number;
}

/** The text of a handover: from the log's `size` on, `next` signs. */
export function handoverText(nodeId: string, next: VerifierKey, size: number): string {
  return `${originOf(nodeId)}\nnext key ${writeVerifierKey(next)}\nfrom ${size}\n`;
}

/** Null when it is no key chain. */
export function parseKeyChain(text: string): KeyChain | null {
  let found: Partial<KeyChain> | null;
  try {
    found = JSON.parse(text) as Partial<KeyChain> | null;
  } catch {
    return null;
  }
  const areTexts = (list: unknown): list is string[] =>
    Array.isArray(list) && list.every((item) => typeof item === "string");
  if (found?.format !== 1 || !areTexts(found.keys) || !areTexts(found.handovers)) return null;
  return found.keys.length === found.handovers.length + 1 ? (found as KeyChain) : null;
}

/**
 * The keys of a node's log from the first one that is trusted on (`null`: all of them are taken at their word); null
 * when the chain does not hold or has none that is trusted.
 */
export async function followKeys(
  chain: KeyChain,
  nodeId: string,
  trusted: readonly string[] | null,
  sha256: Sha256,
): Promise<KeySpan[] | null> {
  const keys = chain.keys.map((text) => parseVerifierKey(text, sha256));
  if (keys.some((key) => key?.name !== originOf(nodeId))) return null;
  const spans: KeySpan[] = [];
  let from = 0;
  let isTrusted = trusted === null;
  for (const [index, key] of (keys as VerifierKey[]).entries()) {
    isTrusted ||= trusted?.includes(writeVerifierKey(key)) === true;
    const to = await handedOverAt(chain.handovers[index], key, keys[index + 1] ?? null, nodeId);
    if (to === null || to < from) return null;
    if (isTrusted) spans.push({ key, from, to });
    from = to;
  }
  return spans.length > 0 ? spans : null;
}

/** Size at which `key` hands over to `next`; infinite for the last key, null when the note does not hold. */
async function handedOverAt(
  handover: string | undefined,
  key: VerifierKey,
  next: VerifierKey | null,
  nodeId: string,
): Promise<number | null> {
  if (handover === undefined || next === null) return Number.POSITIVE_INFINITY;
  const note = parseNote(handover);
  const size = Number(/^from (\d{1,15})$/m.exec(note?.text ?? "")?.[1]);
  if (note === null || note.text !== handoverText(nodeId, next, size)) return null;
  return (await verifyNote(note, [key])).is === "signed" ? size : null;
}
