// Secrets that Daybook gives out: made, recognised by their hash, and judged when somebody else chose them.
import { hash, randomBytes } from "node:crypto";
import { DaybookError } from "../event/errors.ts";

export interface Secret {
  /** Shown once. */
  readonly text: string;
  /** Kept. */
  readonly hash: string;
  /** Kept, to recognise the secret in lists; null for a chosen secret, of which no part is kept. */
  readonly prefix: string | null;
}

/** What a secret opens: an API key, a token, a session. */
export type SecretKind = "dbk" | "dbt" | "dbs";

const PREFIX_LENGTH = 8;
const MIN_LENGTH = 24;
/** A header of 8 KiB would be no secret that anybody made. */
const MAX_LENGTH = 512;
/** 24 random hex digits have fewer distinct ones once in 20,000 times; fewer distinct steps, practically never. */
const MIN_DISTINCT = 8;
const PLACEHOLDERS =
  /change[-_ ]?(?:me|this)|replace[-_ ]?(?:me|this)|passw(?:or|0r)d|secret|example|placeholder|default|insecure|qwerty|letmein|xxxx+/gi;

/** A new secret: its kind, `_`, and 32 random bytes as 43 characters of base64url (RFC 4648, section 5). */
export function newSecret(kind: SecretKind): Secret {
  const text = `${kind}_${randomBytes(32).toString("base64url")}`;
  return { text, hash: hashSecret(text), prefix: text.slice(0, PREFIX_LENGTH) };
}

/** `text`, which somebody else made. Throws `weak_secret` naming `source` when it could be guessed. */
export function givenSecret(text: string, source: string): Secret {
  if (!/^[\x21-\x7e]+$/.test(text) || text.length > MAX_LENGTH) {
    throw new DaybookError(
      "bad_argument",
      `${source} must be at most ${MAX_LENGTH} printable characters without spaces.`,
    );
  }
  const rest = text.replace(PLACEHOLDERS, "");
  const characters = Array.from(rest, (character) => character.charCodeAt(0));
  // Runs and repetitions ("abcabc…", "012345…") have few different steps from one character to the next.
  const steps = characters.slice(1).map((code, index) => code - (characters[index] ?? 0));
  const weak =
    rest.length < MIN_LENGTH || new Set(characters).size < MIN_DISTINCT || new Set(steps).size < MIN_DISTINCT;
  if (weak) throw new DaybookError("weak_secret", source);
  return { text, hash: hashSecret(text), prefix: null };
}

/** SHA-256, lowercase hex. */
export function hashSecret(text: string): string {
  return hash("sha256", text);
}
