// The certificate that Daybook shows: read from its files, and read again when they change and at each reload. What
// cannot be used leaves the one before in place.
import { readFileSync, statSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { DaybookError, nativeCode } from "../event/errors.ts";
import type { LiveConfig } from "./live-config.ts";
import { report } from "./own-log.ts";

export interface TlsFiles {
  /** Paths of PEM files. */
  readonly cert: string;
  readonly key: string;
}

export interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** How often the files are looked at. */
const LOOK_MS = 1000;

export class Certificate {
  readonly #timer: NodeJS.Timeout;
  readonly #onTrouble: (error: unknown) => void;
  #files: TlsFiles;
  /** How the files were right before they were read. */
  #seen: string;
  #pair: Pair;
  #listener: (pair: Pair) => void = () => {};

  /** Throws `bad_tls` when `files` cannot be used. */
  static check(files: TlsFiles): void {
    readPair(files);
  }

  /** Throws `bad_tls`. `onTrouble` is told of files that were changed and cannot be used. */
  constructor(files: TlsFiles, onTrouble: (error: unknown) => void = () => {}, lookMs = LOOK_MS) {
    this.#onTrouble = onTrouble;
    this.#files = files;
    this.#seen = stateOf(files);
    this.#pair = readPair(files);
    this.#timer = setInterval(() => this.#look(), lookMs).unref();
  }

  get pair(): Pair {
    return this.#pair;
  }

  /** `listener` is given every pair that comes after this one. */
  onChanged(listener: (pair: Pair) => void): void {
    this.#listener = listener;
  }

  /** Reads the files, or others from now on. Throws `bad_tls`, and then nothing has changed. */
  reload(files: TlsFiles = this.#files): void {
    const seen = stateOf(files);
    const pair = readPair(files);
    this.#files = files;
    this.#seen = seen;
    if (pair.cert.equals(this.#pair.cert) && pair.key.equals(this.#pair.key)) return;
    this.#pair = pair;
    this.#listener(pair);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = stateOf(this.#files);
    if (now === this.#seen) return;
    this.#seen = now;
    try {
      this.reload();
    } catch (error) {
      // The other file may be about to follow.
      this.#onTrouble(error);
    }
  }
}

/** The certificate that the configuration asks for, following its reloads; null: none. */
export function certificateFor(live: LiveConfig): Certificate | null {
  const { tls } = live.config;
  if (tls === null) return null;
  const certificate = new Certificate(tls, (error) => report(error, "tls"));
  live.follow({
    check: (next) => next.tls !== null && Certificate.check(next.tls),
    apply(now) {
      try {
        certificate.reload(now.tls ?? tls);
      } catch (error) {
        // It could be used a moment ago; the files are being looked at.
        report(error, "tls");
      }
    },
  });
  return certificate;
}

/** Another whenever one of the files is another, or was written. */
function stateOf({ cert, key }: TlsFiles): string {
  const states = [cert, key].map((path) => {
    try {
      const { mtimeMs, ino, size } = statSync(path);
      return [mtimeMs, ino, size].join(" ");
    } catch (error) {
      return nativeCode(error);
    }
  });
  return states.join("\n");
}

function readPair({ cert, key }: TlsFiles): Pair {
  const pair = { cert: read(cert), key: read(key) };
  try {
    createSecureContext(pair);
    return pair;
  } catch (error) {
    const code = nativeCode(error);
    throw new DaybookError("bad_tls", `${cert} and ${key} are no certificate and its key (${code})`, {
      cause: error,
    });
  }
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new DaybookError("bad_tls", `${path} (${nativeCode(error)})`, { cause: error });
  }
}
