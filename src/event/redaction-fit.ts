// Strings within a number of bytes. A long string is cut before it is redacted, so that its cost is bounded, and
// again to fit; neither cut leaves a part of a secret, and redacting the result again changes nothing.
import { Buffer } from "node:buffer";
import { REDACTED, type RedactedText } from "./redaction-patterns.ts";
import { cleanText, settle } from "./redaction-text.ts";

/** Stands where something was cut: behind a string, for a value, at the end of an array, as a member `true`. */
export const TRUNCATED = "[TRUNCATED]";

/** A cut string of fewer bytes than these says nothing. */
const LEAST_BYTES = 32;
/** Characters before a cut that may be the first part of a secret which is only known by its whole. */
const MARGIN = 1024;
const TRIES = 3;

export interface FittedText extends RedactedText {
  readonly truncated: boolean;
}

/** UTF-8 bytes of `text` as a JSON string, quotes included. */
export function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}

/** Whether `fitText` would cut `raw` before it is redacted. */
export function isLonger(raw: string, maxBytes: number): boolean {
  return raw.length > maxBytes + MARGIN;
}

/**
 * `raw` redacted by `step` and cut to `maxBytes` of JSON, with the marker where it was cut; null when that is
 * too little. `step` gets clean text, and no more of it than `maxBytes` and a margin.
 */
export function fitText(
  raw: string,
  maxBytes: number,
  step: (text: string) => RedactedText,
): FittedText | null {
  // What a cut left behind is looked at without its marker, which would look like a part of the value.
  const marked = raw.endsWith(TRUNCATED);
  const whole = marked ? raw.slice(0, -TRUNCATED.length) : raw;
  const tooLong = isLonger(whole, maxBytes);
  const { text, redactions } = settle(cleanText(tooLong ? whole.slice(0, maxBytes + MARGIN) : whole), step);
  const shown = tooLong ? withoutTail(text) : text;
  const ending = marked || tooLong ? TRUNCATED : "";
  if (jsonBytes(shown + ending) <= maxBytes) return { text: shown + ending, redactions, truncated: tooLong };
  return maxBytes < LEAST_BYTES ? null : { text: cut(shown, maxBytes, step), redactions, truncated: true };
}

/** `text` without the characters at its end that may be half a secret: those behind the last one that was found. */
function withoutTail(text: string): string {
  const found = text.lastIndexOf(REDACTED);
  const known = found < 0 ? 0 : found + REDACTED.length;
  return text.slice(0, wholeLength(text, Math.max(known, text.length - MARGIN)));
}

function cut(text: string, maxBytes: number, step: (text: string) => RedactedText): string {
  let body = text;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    body = body.slice(0, wholeLength(body, fittingLength(body, maxBytes - TRUNCATED.length - 2)));
    const settled = settle(body, step).text;
    if (settled === body) return body + TRUNCATED;
    body = settled;
  }
  return TRUNCATED;
}

/** How many UTF-16 code units of `text` fit in `maxBytes` of JSON, without quotes. */
function fittingLength(text: string, maxBytes: number): number {
  let left = maxBytes;
  let at = 0;
  while (at < text.length) {
    const point = text.codePointAt(at) ?? 0;
    left -= bytesOf(point);
    if (left < 0) break;
    at += point > 0xffff ? 2 : 1;
  }
  return at;
}

/** UTF-8 bytes of a code point in a JSON string (RFC 8785, 3.2.2.2). */
function bytesOf(point: number): number {
  if (point < 0x20) return point === 8 || point === 9 || point === 10 || point === 12 || point === 13 ? 2 : 6;
  if (point < 0x80) return point === 0x22 || point === 0x5c ? 2 : 1;
  if (point < 0x800) return 2;
  return point > 0xffff ? 4 : 3;
}

/** `length`, or less where a cut there would go through a `[REDACTED]` or a surrogate pair. */
export function wholeLength(text: string, length: number): number {
  const marker = text.lastIndexOf(REDACTED, length - 1);
  if (marker >= 0 && marker < length && marker + REDACTED.length > length) return marker;
  return length > 0 && /[\ud800-\udbff]/.test(text[length - 1] ?? "") ? length - 1 : length;
}
