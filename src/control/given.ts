// What people give for the fields of an entity, checked in one place. Everything here throws `bad_argument`, naming
// the field.
import { randomBytes } from "node:crypto";
import { DaybookError } from "../event/errors.ts";

const LINE = /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u;

/** One line of text. */
export function line(field: string, text: string, max: number): string {
  if (text.length <= max && LINE.test(text) && text.isWellFormed()) return text;
  throw new DaybookError("bad_argument", `${field} must be one line of 1 to ${max} characters.`);
}

/** A time after `now`; null: never. */
export function future(field: string, time: number | null | undefined, now: number): number | null {
  if (time === null || time === undefined) return null;
  if (Number.isSafeInteger(time) && time > now) return time;
  throw new DaybookError("bad_argument", `${field} must be a time in the future.`);
}

/** One of `words`. */
export function oneOf<Word extends string>(field: string, word: string, words: readonly Word[]): Word {
  const found = words.find((each) => each === word);
  if (found !== undefined) return found;
  throw new DaybookError("bad_argument", `${field} must be one of ${words.join(", ")}.`);
}

/** `key_…`, `usr_…`: 16 random hex digits. */
export function newId(kind: string): string {
  return `${kind}_${randomBytes(8).toString("hex")}`;
}

type Members = Readonly<Record<string, unknown>>;

/**
 * `given` with `patch` over it: null takes away what stands there, what is left out stays. Objects under the names in
 * `merged` are patched member by member (RFC 7396), all others are replaced.
 */
export function withPatch<Given extends object>(
  given: Given,
  patch: { readonly [Name in keyof Given]?: unknown },
  merged: readonly (keyof Given)[] = [],
): Given {
  const next = { ...given } as Record<string, unknown>;
  for (const [name, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) delete next[name];
    else if (merged.includes(name as keyof Given))
      next[name] = withPatch((next[name] ?? {}) as Members, value as Members);
    else next[name] = value;
  }
  return next as Given;
}
