// Secrets that Daybook must be able to say again (keys of providers), as they are kept: AES-256-GCM, under a key that
// is not in control.db. The key is DAYBOOK_SECRET_KEY, else the file secret.key in the data folder, made when the
// first secret is kept. What is sealed names its key, and is bound to what it belongs to: it opens nowhere else.
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DaybookError, nativeCode } from "../event/errors.ts";

export interface SecretsOptions {
  /** The data folder. */
  readonly folder: string;
  /** DAYBOOK_SECRET_KEY; null: the file. */
  readonly given: string | null;
}

interface Key {
  /** First 8 hex digits of a hash of the key. */
  readonly id: string;
  readonly encryption: Buffer;
  readonly comparison: Buffer;
}

const FILE = "secret.key";
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** version.key.payload: base64url of nonce, ciphertext and tag. */
const SEALED = /^v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/;

export class SecretsAtRest {
  readonly #path: string;
  readonly #given: Key | null;
  #filed: Key | null = null;

  /** Throws `secret_key` when the given key is not one. */
  constructor({ folder, given }: SecretsOptions) {
    this.#path = join(folder, FILE);
    this.#given = given === null ? null : keyOf(bytesOf(given, "DAYBOOK_SECRET_KEY"));
  }

  /** `secret` as it may be kept. `belongsTo` must be said again to open it. Throws `secret_key`. */
  seal(secret: string, belongsTo: string): string {
    const { id, encryption } = this.#given ?? this.#ofFile() ?? this.#make();
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv("aes-256-gcm", encryption, iv);
    cipher.setAAD(Buffer.from(belongsTo));
    const payload = Buffer.concat([iv, cipher.update(secret, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return `v1.${id}.${payload.toString("base64url")}`;
  }

  /** Throws `secret_key` when the key is missing or another one, or what was sealed has been changed. */
  open(sealed: string, belongsTo: string): string {
    const [, id = "", payload = ""] = SEALED.exec(sealed) ?? [];
    const key = this.#keyWith(id, belongsTo);
    const bytes = Buffer.from(payload, "base64url");
    try {
      const decipher = createDecipheriv("aes-256-gcm", key.encryption, bytes.subarray(0, IV_BYTES));
      decipher.setAAD(Buffer.from(belongsTo));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([
        decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)),
        decipher.final(),
      ]).toString();
    } catch (error) {
      throw new DaybookError(
        "secret_key",
        `what is kept for ${belongsTo} was changed, or belongs to another`,
        {
          cause: error,
        },
      );
    }
  }

  /** Tells whether a secret is the one that it was, and nothing else about it. */
  fingerprint(secret: string): string {
    const { comparison } = this.#given ?? this.#ofFile() ?? this.#make();
    return createHmac("sha256", comparison).update(secret).digest("base64url").slice(0, 22);
  }

  #keyWith(id: string, belongsTo: string): Key {
    if (this.#given?.id === id) return this.#given;
    const filed = this.#ofFile();
    if (filed?.id === id) return filed;
    const have = [this.#given && "DAYBOOK_SECRET_KEY", filed && this.#path].filter((name) => name !== null);
    const but =
      have.length === 0
        ? `${this.#path} is not there`
        : `${have.join(" and ")} ${have.length === 1 ? "is another one" : "are others"}`;
    throw new DaybookError(
      "secret_key",
      `what is kept for ${belongsTo} needs the key ${id || "(unreadable)"}, but ${but}`,
    );
  }

  /** The file's key; null when there is no file. Another process may have made it meanwhile. */
  #ofFile(): Key | null {
    if (this.#filed !== null) return this.#filed;
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
      chmodSync(this.#path, 0o600);
    } catch (error) {
      if (nativeCode(error) === "ENOENT") return null;
      throw new DaybookError("secret_key", `${this.#path} (${nativeCode(error)})`, { cause: error });
    }
    this.#filed = keyOf(bytesOf(text.trim(), this.#path));
    return this.#filed;
  }

  /** Makes the file, durably, before anything is sealed with it. Of two that make it at once, one does. */
  #make(): Key {
    const draft = `${this.#path}.${process.pid}.${randomBytes(4).toString("hex")}`;
    try {
      const file = openSync(draft, "wx", 0o600);
      try {
        writeSync(file, `${randomBytes(KEY_BYTES).toString("base64url")}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      try {
        linkSync(draft, this.#path);
      } catch (error) {
        if (nativeCode(error) !== "EEXIST") throw error;
      } finally {
        rmSync(draft, { force: true });
      }
      syncFolder(join(this.#path, ".."));
    } catch (error) {
      throw new DaybookError("secret_key", `${this.#path} (${nativeCode(error)})`, { cause: error });
    }
    const made = this.#ofFile();
    if (made === null) throw new DaybookError("secret_key", `${this.#path} was removed at once`);
    return made;
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** 32 bytes, from hex or base64 (with `+/` or `-_`). */
function bytesOf(text: string, source: string): Buffer {
  const bytes = /^[0-9a-fA-F]{64}$/.test(text)
    ? Buffer.from(text, "hex")
    : /^[A-Za-z0-9+/_-]{43}=?$/.test(text)
      ? Buffer.from(text, "base64")
      : null;
  if (bytes?.length === KEY_BYTES && new Set(bytes).size >= 8) return bytes;
  throw new DaybookError("secret_key", `${source} is not 32 random bytes as base64 or hex`);
}

function keyOf(bytes: Buffer): Key {
  const derived = (purpose: string) =>
    Buffer.from(hkdfSync("sha256", bytes, "", `daybook ${purpose}`, KEY_BYTES));
  return {
    id: createHash("sha256").update("daybook key id").update(bytes).digest("hex").slice(0, 8),
    encryption: derived("secrets at rest"),
    comparison: derived("comparison"),
  };
}
