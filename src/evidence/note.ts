// Signed notes and verifier keys of C2SP signed-note, with Ed25519 (signature type 1).
import { base64Of, fromBase64, hexOf, joined, sameBytes, utf8Of } from "./bytes.ts";

export type Sha256 = (bytes: Uint8Array) => Uint8Array;

export interface VerifierKey {
  readonly name: string;
  /** First four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key). */
  readonly id: Uint8Array;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Whether the signature over the message is by this key. */
  readonly hasSigned: (message: Uint8Array, signature: Uint8Array) => Promise<boolean>;
}

export interface Signature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly bytes: Uint8Array;
}

export interface Note {
  /** The signed text, its last newline included. */
  readonly text: string;
  readonly signatures: readonly Signature[];
}

const ED25519 = 1;
const ID_BYTES = 4;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const MAX_SIGNATURES = 64;
const NAME = /^[^\s+]+$/u;

export function verifierKey(name: string, publicKey: Uint8Array, sha256: Sha256): VerifierKey {
  const typed = joined(new Uint8Array([ED25519]), publicKey);
  const id = sha256(joined(utf8Of(`${name}\n`), typed)).slice(0, ID_BYTES);
  return { name, id, publicKey, hasSigned: ed25519(publicKey) };
}

/** By WebCrypto, which Node and browsers have alike; the key is imported once, and only when it is asked. */
function ed25519(publicKey: Uint8Array): VerifierKey["hasSigned"] {
  let imported: ReturnType<typeof crypto.subtle.importKey> | null = null;
  return async (message, signature) => {
    imported ??= crypto.subtle.importKey("raw", own(publicKey), "Ed25519", false, ["verify"]);
    return crypto.subtle.verify("Ed25519", await imported, own(signature), own(message));
  };
}

/** WebCrypto takes no view of shared memory. */
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

/** `<name>+<id, 8 hex digits>+<base64 of 0x01 ‖ public key>`. */
export function writeVerifierKey({ name, id, publicKey }: VerifierKey): string {
  return `${name}+${hexOf(id)}+${base64Of(joined(new Uint8Array([ED25519]), publicKey))}`;
}

/** Null when it is none, or its id is not that of its key. */
export function parseVerifierKey(text: string, sha256: Sha256): VerifierKey | null {
  const [, name = "", id = "", encoded = ""] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(text) ?? [];
  const bytes = fromBase64(encoded);
  if (!NAME.test(name) || bytes === null || bytes[0] !== ED25519 || bytes.length !== 1 + KEY_BYTES)
    return null;
  const key = verifierKey(name, bytes.slice(1), sha256);
  return hexOf(key.id) === id ? key : null;
}

/** `text` ends with a newline and has no empty line; `signature` is over its UTF-8 bytes. */
export function writeNote(text: string, { name, id }: VerifierKey, signature: Uint8Array): string {
  return `${text}\n— ${name} ${base64Of(joined(id, signature))}\n`;
}

/** Null when it is not a signed note. */
export function parseNote(note: string): Note | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a note may hold none of them
  if (/[\u0000-\u0009\u000b-\u001f\u007f]/.test(note) || !note.isWellFormed()) return null;
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) return null;
  const lines = note.slice(split + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) return null;
  const signatures: Signature[] = [];
  for (const line of lines) {
    const [, name = "", encoded = ""] = /^— ([^ ]+) ([^ ]+)$/u.exec(line) ?? [];
    const bytes = fromBase64(encoded);
    if (!NAME.test(name) || bytes === null || bytes.length <= ID_BYTES) return null;
    signatures.push({ name, keyId: bytes.slice(0, ID_BYTES), bytes: bytes.slice(ID_BYTES) });
  }
  return { text: note.slice(0, split + 1), signatures };
}

/** `unknown`: none of the signatures is by one of the keys; `bad`: one that claims to be is not. */
export type NoteVerdict =
  | { readonly is: "signed"; readonly by: VerifierKey }
  | { readonly is: "unknown" | "bad" };

/** A note's first signature by one of the keys; every signature of a key that is known must hold. */
export async function verifyNote(note: Note, keys: readonly VerifierKey[]): Promise<NoteVerdict> {
  const message = utf8Of(note.text);
  let signer: VerifierKey | null = null;
  for (const { name, keyId, bytes } of note.signatures) {
    const key = keys.find((known) => known.name === name && sameBytes(known.id, keyId));
    if (key === undefined) continue;
    if (bytes.length !== SIGNATURE_BYTES || !(await key.hasSigned(message, bytes))) return { is: "bad" };
    signer ??= key;
  }
  return signer === null ? { is: "unknown" } : { is: "signed", by: signer };
}
