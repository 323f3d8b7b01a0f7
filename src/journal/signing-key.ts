// A slot's signing key: `key`, the private one (Ed25519, PKCS #8, 0600), and its public half at the end of the chain in
// `keys`. A change of key: the next one is made (`key.next`) and announced in the log; once that event is sealed, the old
// key signs the handover and is overwritten.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  sign,
} from "node:crypto";
import { join } from "node:path";
import { originOf } from "../evidence/checkpoint.ts";
import { handoverText, type KeyChain, parseKeyChain } from "../evidence/key-chain.ts";
import { type Sha256, type VerifierKey, verifierKey, writeNote, writeVerifierKey } from "../evidence/note.ts";
import { type Files, realFiles } from "./files.ts";
import { readKeys, readText, replaceText } from "./sealed.ts";

/** By way of a string, as in evidence/merkle.ts: it takes less than half the time. */
export const nodeSha256: Sha256 = (bytes) => Buffer.from(hash("sha256", bytes, "binary"), "binary");

/** Why a log cannot be sealed. */
export class SealingRefused extends Error {
  override readonly name = "SealingRefused";
  readonly code: "key_missing" | "keys_unreadable" | "leaves_missing" | "rolled_back" | "roots_differ";

  constructor(code: SealingRefused["code"]) {
    super(`sealing is refused: ${code}`);
    this.code = code;
  }
}

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly verifier: VerifierKey;
}

export class SigningKey {
  readonly #files: Files;
  readonly #folder: string;
  readonly #nodeId: string;
  #pair: KeyPair;
  #next: KeyPair | null;
  #chain: KeyChain;

  /** Reads the slot's key, or makes it where the log has none. Throws SealingRefused. */
  constructor(slotFolder: string, nodeId: string, files: Files = realFiles) {
    this.#files = files;
    this.#folder = slotFolder;
    this.#nodeId = nodeId;
    const keys = readKeys(slotFolder, files);
    const chain = keys === null ? null : parseKeyChain(keys);
    if (keys !== null && chain === null) throw new SealingRefused("keys_unreadable");
    this.#next = this.#read("key.next");
    const pair = this.#read("key") ?? (chain === null ? this.#make("key") : null);
    if (pair === null) throw new SealingRefused("key_missing");
    this.#pair = pair;
    this.#chain = chain ?? { format: 1, keys: [writeVerifierKey(pair.verifier)], handovers: [] };
    if (chain === null) this.#write();
    const last = this.#chain.keys.at(-1);
    if (this.#next !== null && last === writeVerifierKey(this.#next.verifier)) this.#adoptNext(this.#next);
    if (last !== writeVerifierKey(this.#pair.verifier)) throw new SealingRefused("key_missing");
  }

  /** UTC ms. */
  get madeAt(): number {
    return this.#files.modifiedAt(join(this.#folder, "key"));
  }

  /** `text` as a note signed by this key. */
  sign(text: string): string {
    const { privateKey, verifier } = this.#pair;
    return writeNote(text, verifier, sign(null, Buffer.from(text), privateKey));
  }

  /** The next key, to be announced in the log; the same until it has taken over. */
  announceNext(): string {
    this.#next ??= this.#make("key.next");
    return writeVerifierKey(this.#next.verifier);
  }

  /** From the log's `size` on the announced key signs; this one is gone. */
  handOver(size: number): void {
    const next = this.#next;
    if (next === null) throw new Error("no key was announced");
    const handover = this.sign(handoverText(this.#nodeId, next.verifier, size));
    const { keys, handovers } = this.#chain;
    this.#chain = {
      format: 1,
      keys: [...keys, writeVerifierKey(next.verifier)],
      handovers: [...handovers, handover],
    };
    this.#write();
    this.#adoptNext(next);
  }

  #adoptNext(next: KeyPair): void {
    this.#files.rename(join(this.#folder, "key.next"), join(this.#folder, "key"));
    this.#files.syncFolder(this.#folder);
    this.#pair = next;
    this.#next = null;
  }

  #write(): void {
    replaceText(this.#files, this.#folder, "keys", `${JSON.stringify(this.#chain, null, 1)}\n`);
  }

  #read(name: string): KeyPair | null {
    const pem = readText(this.#folder, name, this.#files);
    if (pem === null) return null;
    try {
      return this.#pairOf(createPrivateKey(pem));
    } catch {
      return null;
    }
  }

  #make(name: string): KeyPair {
    const { privateKey } = generateKeyPairSync("ed25519");
    const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
    replaceText(this.#files, this.#folder, name, pem);
    return this.#pairOf(privateKey);
  }

  #pairOf(privateKey: KeyObject): KeyPair {
    // The last 32 bytes of the SPKI form are the key itself (RFC 8410).
    const raw = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
    return { privateKey, verifier: verifierKey(originOf(this.#nodeId), new Uint8Array(raw), nodeSha256) };
  }
}
