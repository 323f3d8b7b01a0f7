// The proof of one event: a JSON file that holds all that is needed to verify it, offline and without its log.
import { fromHex, hexOf, sameBytes } from "./bytes.ts";
import { originOf, parseCheckpoint } from "./checkpoint.ts";
import { type LeafSource, leafOfSource } from "./event-leaf.ts";
import { followKeys, parseKeyChain } from "./key-chain.ts";
import { parseNote, type Sha256, verifyNote, writeVerifierKey } from "./note.ts";
import { nodeHashOf, rootFromInclusion } from "./proofs.ts";
import type { Finding } from "./report.ts";

export interface ProofFile {
  readonly format: "daybook-proof/1";
  readonly event: LeafSource;
  /** From the leaf's sibling up, hex. */
  readonly path: readonly string[];
  /** The signed note. */
  readonly checkpoint: string;
  /** The key chain's text. */
  readonly keys: string;
}

export interface ProofReport extends Finding {
  readonly nodeId: string | null;
  readonly seq: number | null;
  /** Of the checkpoint: events that it covers, time (UTC ms), verifier key. */
  readonly size: number | null;
  readonly sealedAt: number | null;
  readonly key: string | null;
}

/** Null when the text is no proof file. */
export function parseProofFile(text: string): ProofFile | null {
  try {
    const found = JSON.parse(text) as Partial<ProofFile> | null;
    const isProof =
      found?.format === "daybook-proof/1" &&
      typeof found.event === "object" &&
      Array.isArray(found.path) &&
      typeof found.checkpoint === "string" &&
      typeof found.keys === "string";
    return isProof ? (found as ProofFile) : null;
  } catch {
    return null;
  }
}

export async function verifyProof(
  proof: ProofFile,
  { sha256, trusted }: { readonly sha256: Sha256; readonly trusted: readonly string[] | null },
): Promise<ProofReport> {
  const source = leafOfSource(proof.event, sha256);
  const note = parseNote(proof.checkpoint);
  const checkpoint = parseCheckpoint(note?.text ?? "");
  const about = {
    nodeId: source?.nodeId ?? null,
    seq: source?.seq ?? null,
    size: checkpoint?.size ?? null,
    sealedAt: checkpoint?.at ?? null,
    key: null,
  };
  const tampered = (detail: string): ProofReport => ({ ...about, state: "TAMPERED", detail });
  if (source === null) return tampered("the event cannot be read as one");
  if (note === null || checkpoint?.origin !== originOf(source.nodeId))
    return tampered("the checkpoint is not one of the event's log");
  const chain = parseKeyChain(proof.keys);
  const spans = chain && (await followKeys(chain, source.nodeId, trusted, sha256));
  const verdict = await verifyNote(note, spans?.map(({ key }) => key) ?? []);
  if (verdict.is === "bad") return tampered("the checkpoint's signature does not hold");
  if (verdict.is !== "signed")
    return { ...about, state: "KEY_UNKNOWN", detail: "the checkpoint is by a key that is not known" };
  const span = spans?.find(({ key }) => key === verdict.by);
  if (span === undefined || checkpoint.size < span.from || checkpoint.size > span.to)
    return tampered("the checkpoint is by a key that did not sign then");
  const path = proof.path.map((hash) => fromHex(String(hash)) ?? new Uint8Array());
  const claim = { index: source.seq - 1, size: checkpoint.size, leaf: source.leaf, path };
  const root = rootFromInclusion(claim, nodeHashOf(sha256));
  if (root === null || !sameBytes(root, checkpoint.root))
    return tampered(`the event is not at ${source.seq} in the log of root ${hexOf(checkpoint.root)}`);
  const key = writeVerifierKey(verdict.by);
  return source.isErased
    ? {
        ...about,
        key,
        state: "VALID_ERASED",
        detail: "the event was sealed; personal fields of it were erased",
      }
    : { ...about, key, state: "VALID", detail: "the event was sealed as it is" };
}
