// Passwords: scrypt (RFC 7914), with its parameters beside each hash, so that they can grow without anybody having to
// log in again. Hashing runs in libuv's threads; few at a time, since each takes 32 MiB, and the rest waits or is
// turned away.
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";
import { DaybookError } from "../event/errors.ts";

export interface ScryptCost {
  /** N is 2 to this. */
  readonly log2N: number;
  readonly r: number;
  readonly p: number;
}

/** OWASP's cheat sheet, 2024: N=2^15, r=8, p=3. Tests take less. */
const COST: ScryptCost = { log2N: 15, r: 8, p: 3 };
const HASH_BYTES = 32;
const SALT_BYTES = 16;
const MIN_LENGTH = 12;
const MAX_LENGTH = 256;
const MIN_DISTINCT = 5;
const AT_ONCE = 2;
const MAX_WAITING = 32;
const STORED = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

export class Passwords {
  readonly #cost: ScryptCost;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(cost: ScryptCost = COST) {
    this.#cost = cost;
  }

  /** `$scrypt$ln=15,r=8,p=3$SALT$HASH`. Throws `weak_secret` when `password` could be guessed. */
  async hash(password: string): Promise<string> {
    refuseWeak(password);
    const salt = randomBytes(SALT_BYTES);
    const hash = await this.#derive(password, salt, this.#cost);
    const { log2N, r, p } = this.#cost;
    return `$scrypt$ln=${log2N},r=${r},p=${p}$${text(salt)}$${text(hash)}`;
  }

  /** Takes as long when there is nothing to compare with (`stored` null), so that names cannot be probed. */
  async verify(password: string, stored: string | null): Promise<boolean> {
    const [, log2N, r, p, salt = "", hash = ""] = STORED.exec(stored ?? "") ?? [];
    if (log2N === undefined) {
      await this.#derive(password, randomBytes(SALT_BYTES), this.#cost);
      return false;
    }
    const cost = { log2N: Number(log2N), r: Number(r), p: Number(p) };
    const derived = await this.#derive(password, Buffer.from(salt, "base64"), cost);
    const expected = Buffer.from(hash, "base64");
    return derived.length === expected.length && timingSafeEqual(derived, expected);
  }

  async #derive(password: string, salt: Buffer, { log2N, r, p }: ScryptCost): Promise<Buffer> {
    const N = 2 ** log2N;
    await this.#turn();
    try {
      // What is one character to a person is one here, however the keyboard composes it (NIST SP 800-63B, 3.1.1.2).
      return await derive(password.normalize("NFKC"), salt, { N, r, p, maxmem: 256 * N * r });
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#running >= AT_ONCE) {
      if (this.#waiting.length >= MAX_WAITING) throw new DaybookError("overloaded", "checking passwords");
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
  }
}

function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, options, (error, hash) => (error ? reject(error) : resolve(hash)));
  });
}

function refuseWeak(password: string): void {
  if (password.length > MAX_LENGTH || !password.isWellFormed())
    throw new DaybookError("bad_argument", `A password has at most ${MAX_LENGTH} characters.`);
  const characters = Array.from(password);
  if (characters.length < MIN_LENGTH || new Set(characters).size < MIN_DISTINCT)
    throw new DaybookError("weak_password");
}

function text(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
