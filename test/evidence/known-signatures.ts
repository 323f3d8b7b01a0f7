// A signature costs more than all else that a small log is verified for, and nearly all of those that a harness meets it
// has met before. What WebCrypto has said of a key, a signature and a message, it says again.
import type { webcrypto } from "node:crypto";

type Key = webcrypto.CryptoKey;

/** In this thread, from now on. */
export function rememberSignatures(): void {
  const { subtle } = crypto;
  const [importKey, verify] = [subtle.importKey.bind(subtle), subtle.verify.bind(subtle)];
  const keys = new Map<string, Promise<Key>>();
  const said = new WeakMap<Key, Map<string, Promise<boolean>>>();
  const importOnce = (
    format: "raw",
    bytes: Uint8Array<ArrayBuffer>,
    ...rest: ["Ed25519", boolean, ["verify"]]
  ) => known(keys, nameOf(format, bytes, ...rest), () => importKey(format, bytes, ...rest));
  const verifyOnce = (
    sort: string,
    key: Key,
    signature: Uint8Array<ArrayBuffer>,
    message: Uint8Array<ArrayBuffer>,
  ) => {
    const ofKey = said.get(key) ?? new Map<string, Promise<boolean>>();
    said.set(key, ofKey);
    return known(ofKey, nameOf(sort, signature, message), () => verify(sort, key, signature, message));
  };
  Object.assign(subtle, { importKey: importOnce, verify: verifyOnce });
}

function known<T>(map: Map<string, T>, name: string, make: () => T): T {
  const found = map.get(name) ?? make();
  map.set(name, found);
  return found;
}

/** One name for each list of values. */
function nameOf(...values: unknown[]): string {
  return JSON.stringify(
    values.map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value)),
  );
}
