// The leaf of an event, from what an export or a proof says of it: no list of fields is needed to verify one.
import { canonicalJson } from "../event/canonical.ts";
import { fromHex, hexOf, joined, utf8Of } from "./bytes.ts";
import type { Sha256 } from "./note.ts";

type Fields = Readonly<Record<string, string | number | boolean>>;

/** A group of personal fields: its salt (hex) and fields, or, where they were erased, the commitment (hex) alone. */
export type Group = { readonly salt: string; readonly fields: Fields } | { readonly hash: string };

/** An event as its leaf is made of. Fields that are null are left out; JSON fields are canonical JSON text. */
export interface LeafSource {
  readonly public: Fields;
  readonly p1: Group;
  readonly p2: Group;
}

const LEAF_VERSION = 1;
const HASH = /^[0-9a-f]{64}$/;
const SALT = /^[0-9a-f]{32}$/;

export interface SourceLeaf {
  readonly nodeId: string;
  readonly seq: number;
  /** SHA-256(0x00 ‖ canonical JSON). */
  readonly leaf: Uint8Array;
  readonly isErased: boolean;
}

/** Null when `source` is not such an event. */
export function leafOfSource(source: LeafSource, sha256: Sha256): SourceLeaf | null {
  try {
    const [p1, p2] = [commitmentOf(source.p1, sha256), commitmentOf(source.p2, sha256)];
    const { node_id: nodeId, seq } = source.public;
    if (p1 === null || p2 === null || typeof nodeId !== "string" || typeof seq !== "number") return null;
    if (["p1", "p2", "v"].some((name) => Object.hasOwn(source.public, name))) return null;
    const text = canonicalJson({ ...source.public, p1, p2, v: LEAF_VERSION });
    const leaf = sha256(joined(new Uint8Array([0]), utf8Of(text)));
    return { nodeId, seq, leaf, isErased: "hash" in source.p1 || "hash" in source.p2 };
  } catch {
    return null;
  }
}

function commitmentOf(group: Group, sha256: Sha256): string | null {
  if ("hash" in group) return HASH.test(group.hash) && Object.keys(group).length === 1 ? group.hash : null;
  const salt = SALT.test(group.salt) ? fromHex(group.salt) : null;
  return salt === null ? null : hexOf(sha256(joined(salt, utf8Of(canonicalJson(group.fields)))));
}

/** The text of an event's metadata, where it is there. */
export function metadataOf({ p1 }: LeafSource): string | null {
  const text = "fields" in p1 ? p1.fields.metadata : null;
  return typeof text === "string" ? text : null;
}
