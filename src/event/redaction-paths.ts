// Strategies for single values, by their dotted path: what an operator decides about one argument of one tool.
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { canonicalJson } from "./canonical.ts";
import { wholeLength } from "./redaction-fit.ts";
import { REDACTED } from "./redaction-patterns.ts";

/**
 * `full`: `[REDACTED]`, also an object or array. `hash`: `hmac-sha256:` and the hex HMAC of a scalar, equal for
 * equal values under one key; `[REDACTED]` for anything else, and without a key, because a plain hash of a guessable
 * value hides nothing. `truncate`: the first `length` characters (10) of a longer string and `...`; it
 * shortens what redaction left, so it never shows a secret.
 */
export type PathStrategy =
  | { readonly strategy: "full" }
  | { readonly strategy: "hash" }
  | { readonly strategy: "truncate"; readonly length?: number };

/** Where a value stands among the paths: one node for each path that leads on from here. */
export type PathPlace = readonly PathNode[];

interface PathNode {
  readonly next: Map<string, PathNode>;
  strategy?: PathStrategy;
}

const RANK = { full: 3, hash: 2, truncate: 1 };
const DEFAULT_LENGTH = 10;
const MAX_LENGTH = 4096;
const HASHED = /^hmac-sha256:[0-9a-f]{64}$/;

/** `user.email`, `items.*.id`: names and indexes joined by dots, `*` for any one of them. */
export function parsePaths(paths: Readonly<Record<string, PathStrategy>>): PathPlace {
  const root: PathNode = { next: new Map() };
  for (const [path, strategy] of Object.entries(paths)) {
    let node = root;
    for (const segment of path.split(".")) {
      const next = node.next.get(segment) ?? { next: new Map() };
      node.next.set(segment, next);
      node = next;
    }
    node.strategy = strategy;
  }
  return [root];
}

/** The place of the member or element `segment` of a value at `place`. */
export function pathStep(place: PathPlace, segment: string): PathPlace {
  if (place.length === 0) return place;
  const places: PathNode[] = [];
  for (const { next } of place) {
    const named = next.get(segment);
    const any = segment === "*" ? undefined : next.get("*");
    if (named !== undefined) places.push(named);
    if (any !== undefined) places.push(any);
  }
  return places;
}

/** The strictest strategy at a place: full before hash before truncate, then the shorter. */
export function strategyAt(place: PathPlace): PathStrategy | undefined {
  let strictest: PathStrategy | undefined;
  for (const { strategy } of place) {
    if (strategy === undefined) continue;
    const difference = strictest === undefined ? 1 : RANK[strategy.strategy] - RANK[strictest.strategy];
    if (difference > 0 || (difference === 0 && lengthOf(strategy) < lengthOf(strictest)))
      strictest = strategy;
  }
  return strictest;
}

/** Characters that a truncate strategy leaves; 0 for any other. */
export function lengthOf(strategy: PathStrategy | undefined): number {
  if (strategy?.strategy !== "truncate") return 0;
  return Math.min(Math.max(Math.floor(strategy.length ?? DEFAULT_LENGTH) || 0, 0), MAX_LENGTH);
}

/** `hmac-sha256:` and the HMAC (RFC 2104) of a clean scalar; a value that is one, or redacted, stays. */
export function keyedHash(
  value: string | number | boolean | null,
  key: string | Uint8Array | undefined,
): string {
  if (typeof value === "string" && (value === REDACTED || HASHED.test(value))) return value;
  if (key === undefined || key.length === 0) return REDACTED;
  const bytes = Buffer.from(typeof value === "string" ? value : canonicalJson(value));
  return `hmac-sha256:${createHmac("sha256", key).update(bytes).digest("hex")}`;
}

/** The first characters of `text`, never a part of a marker or of a surrogate pair, and `...`. */
export function shorten(text: string, strategy: PathStrategy): string {
  const length = lengthOf(strategy);
  const whole = text.endsWith("...") ? length + 3 : length;
  if (text === REDACTED || text.length <= whole) return text;
  return `${text.slice(0, wholeLength(text, length))}...`;
}
