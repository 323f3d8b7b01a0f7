// One walk over a value of any kind that copies what may be shown, as much as fits. The copy holds only what
// canonical JSON can. Every member and element is paid for in bytes before it is visited, which bounds the work
// as well as the result: sharing, cycles and sparse arrays cost no more than they show.
import { Buffer } from "node:buffer";
import { canonicalJson } from "./canonical.ts";
import { type FittedText, fitText, isLonger, jsonBytes, TRUNCATED } from "./redaction-fit.ts";
import { classifyName, hides } from "./redaction-names.ts";
import {
  keyedHash,
  lengthOf,
  type PathPlace,
  type PathStrategy,
  pathStep,
  shorten,
  strategyAt,
} from "./redaction-paths.ts";
import { isCardNumber, REDACTED, type RedactedText } from "./redaction-patterns.ts";
import { NO_SCHEMA, type SchemaPlace, type SchemaReader } from "./redaction-schema.ts";
import { cleanText, redactOnce } from "./redaction-text.ts";
import {
  type Entry,
  entryOf,
  hidesMember,
  hidesNext,
  hidesSecond,
  isLabel,
  NOTHING,
  noteLabel,
  plainOf,
  readMember,
  type Scalar,
  UNREAD,
} from "./redaction-values.ts";
import { fittingNames, type Work } from "./redaction-work.ts";

/** Stands for what threw when it was read. */
const UNREADABLE = "[UNREADABLE]";
/** Stands for an object within itself. */
const CIRCULAR = "[CIRCULAR]";
const MARKERS: ReadonlySet<unknown> = new Set([TRUNCATED, UNREADABLE, CIRCULAR]);

/** Objects and arrays deeper than this are cut. */
const MAX_DEPTH = 64;
/** Bytes below which JSON in a string would be little but markers. */
const LEAST_PARSED = 64;
/** Bytes of `,"[TRUNCATED]":true`, kept back in every open container for its marker. */
const MARKER_ROOM = 19;

/** No room for the value. */
const NO_ROOM = Symbol("no room");

/** What a walk knows and counts. */
export interface Walk {
  readonly mode: "shape" | "redacted";
  readonly schema: SchemaReader;
  readonly hashKey: string | Uint8Array | undefined;
  /** Bytes of JSON that one string may take. */
  readonly maxString: number;
  /** Bytes of JSON left. */
  room: number;
  redactions: number;
  /** Whether anything was cut, anywhere. */
  truncated: boolean;
  /** Whether members or elements were left out for want of room. */
  incomplete: boolean;
  readonly inside: Set<object>;
  readonly work: Work;
}

/** Where a value stands. */
export interface Place {
  readonly depth: number;
  readonly schema: SchemaPlace;
  readonly paths: PathPlace;
  /** Whether it is an element of an array. */
  readonly isElement: boolean;
}

type Copy = Scalar | readonly Copy[] | { readonly [name: string]: Copy };
type Visited = Copy | typeof NOTHING | typeof NO_ROOM;

/** The copy of `value`, in at most `walk.room` bytes of canonical JSON (13 at least). Does not throw. */
export function copyOf(walk: Walk, value: unknown, place: Place): Copy {
  const copy = visit(walk, value, place, false);
  if (copy === NOTHING) return null;
  if (copy !== NO_ROOM) return copy;
  walk.truncated = true;
  return TRUNCATED;
}

function visit(walk: Walk, value: unknown, place: Place, secret: boolean): Visited {
  const { room, redactions } = walk;
  const strategy = strategyAt(place.paths);
  const kind = strategy?.strategy;
  const hidden = secret || place.schema.sensitive || kind === "full" || kind === "hash";
  try {
    const plain = value === UNREAD ? UNREAD : plainOf(value);
    if (plain === NOTHING) return NOTHING;
    if (kind === "hash" && walk.mode === "redacted" && plain !== UNREAD && isScalar(plain))
      return hashed(walk, plain);
    if (hidden) return blank(walk, plain);
    if (plain === UNREAD) return unreadable(walk);
    if (!isScalar(plain)) return container(walk, plain, place);
    if (walk.mode === "shape") return shape(walk, typeof value === "number" ? value : plain);
    return scalar(walk, plain, place, strategy);
  } catch {
    // Proxies may throw anywhere; what they did show is taken back.
    Object.assign(walk, { room, redactions });
    return hidden ? blank(walk, UNREAD) : unreadable(walk);
  }
}

function isScalar(value: Scalar | object): value is Scalar {
  return value === null || typeof value !== "object";
}

function unreadable(walk: Walk): Visited {
  walk.truncated = true;
  return pay(walk, UNREADABLE.length + 2, UNREADABLE);
}

function pay(walk: Walk, bytes: number, copy: Scalar): Visited {
  if (bytes > walk.room) return NO_ROOM;
  walk.room -= bytes;
  return copy;
}

function blank(walk: Walk, value: unknown): Visited {
  const copy = pay(walk, REDACTED.length + 2, REDACTED);
  if (copy !== NO_ROOM && value !== REDACTED) walk.redactions++;
  return copy;
}

function hashed(walk: Walk, value: Scalar): Visited {
  const hash = keyedHash(typeof value === "string" ? cleanText(value) : value, walk.hashKey);
  const copy = pay(walk, hash.length + 2, hash);
  if (copy !== NO_ROOM && hash !== value) walk.redactions++;
  return copy;
}

/** A scalar's type, and the UTF-8 bytes of a string. */
function shape(walk: Walk, value: Scalar): Visited {
  const type = value === null ? "null" : typeof value;
  const copy = typeof value === "string" ? `string(${Buffer.byteLength(value)})` : type;
  return pay(walk, copy.length + 2, copy);
}

function scalar(walk: Walk, value: Scalar, place: Place, strategy: PathStrategy | undefined): Visited {
  if (MARKERS.has(value)) return pay(walk, String(value).length + 2, value);
  if (typeof value === "string") return text(walk, value, place, strategy);
  if (typeof value === "number" && isCardNumber(String(value))) return blank(walk, value);
  return pay(walk, String(value).length, value);
}

function text(walk: Walk, value: string, place: Place, strategy: PathStrategy | undefined): Visited {
  const limit = Math.min(walk.maxString, walk.room);
  const { work } = walk;
  work.saw(value);
  const worthParsing = isLonger(value, limit) && limit >= LEAST_PARSED && work.parses(value);
  const long = worthParsing ? asJson(walk, value, place, limit) : null;
  const redact = (part: string) => redactStep(walk, part, place);
  const { raw, redactions, step } =
    strategy?.strategy === "truncate"
      ? shortened(long?.text ?? value, strategy, redact)
      : { raw: long?.text ?? value, redactions: 0, step: redact };
  // Within JSON in a string there is no limit, and the outermost string settles.
  const fitted: (RedactedText & { truncated?: boolean }) | null =
    limit === Number.POSITIVE_INFINITY ? step(cleanText(raw)) : fitText(raw, limit, step);
  if (fitted === null) return NO_ROOM;
  const copy = pay(walk, jsonBytes(fitted.text), fitted.text);
  if (copy === NO_ROOM) return copy;
  walk.redactions += (long?.redactions ?? 0) + redactions + fitted.redactions;
  if (long?.truncated || fitted.truncated) walk.truncated = true;
  return copy;
}

type Step = (text: string) => RedactedText;

/** `value` redacted and then shortened, and the step that changes nothing more in it. */
function shortened(value: string, strategy: PathStrategy, redact: Step) {
  // Enough of the text for `length` characters, each of six bytes of JSON at most.
  const enough = 8 * lengthOf(strategy) + 64;
  const step: Step = (part) => {
    const { text, redactions } = redact(part);
    return { text: shorten(text, strategy), redactions };
  };
  const safe = fitText(value, enough, redact);
  const known = safe?.truncated ? safe.text.slice(0, -TRUNCATED.length) : (safe?.text ?? "");
  const short = fitText(known, enough, step);
  const raw = short?.text ?? REDACTED;
  const cut = raw !== value && raw.endsWith("...") ? 1 : 0;
  return { raw, redactions: cut + (safe?.redactions ?? 0) + (short?.redactions ?? 0), step };
}

/** Every rule once: as JSON where the text is JSON with something to redact in it, else as text. */
function redactStep(walk: Walk, part: string, place: Place): RedactedText {
  const json = asJson(walk, part, place, Number.POSITIVE_INFINITY);
  return json === null || json.redactions === 0 ? redactOnce(part) : json;
}

/** JSON text redacted as the value that it is, in `room` bytes; null when it is none. Fractions become strings. */
function asJson(walk: Walk, part: string, { depth }: Place, room: number): FittedText | null {
  if (!/^\s{0,64}[[{]/.test(part)) return null;
  let value: unknown;
  try {
    value = JSON.parse(part);
  } catch {
    return null;
  }
  const within: Walk = {
    ...walk,
    schema: NO_SCHEMA,
    room,
    maxString: room / 4,
    redactions: 0,
    truncated: false,
    inside: new Set(),
  };
  const place = { depth: depth + 1, schema: within.schema.root, paths: [], isElement: false };
  const copy = copyOf(within, value, place);
  return { text: canonicalJson(copy), redactions: within.redactions, truncated: within.truncated };
}

function container(walk: Walk, value: object, place: Place): Visited {
  if (walk.inside.has(value) || place.depth >= MAX_DEPTH) {
    walk.truncated = true;
    const marker = place.depth >= MAX_DEPTH ? TRUNCATED : CIRCULAR;
    return pay(walk, marker.length + 2, marker);
  }
  if (walk.room < 2 + MARKER_ROOM) return NO_ROOM;
  walk.room -= 2 + MARKER_ROOM;
  walk.inside.add(value);
  try {
    return Array.isArray(value) ? elements(walk, value, place) : members(walk, value, place);
  } finally {
    walk.inside.delete(value);
  }
}

function elements(walk: Walk, array: readonly unknown[], place: Place): Visited {
  const copies: Copy[] = [];
  const length = array.length;
  let cut = length > 0 && readMember(array, length - 1) === TRUNCATED;
  const end = cut ? length - 1 : length;
  const isPair = place.isElement && length === 2;
  let previous: unknown;
  for (let at = 0; at < end; at++) {
    const before = { room: walk.room, redactions: walk.redactions };
    const value = readMember(array, at);
    const secret = [previous, copies.at(-1)].some(
      (one) => hidesNext(one, value) || (isPair && at === 1 && hidesSecond(one, value)),
    );
    walk.room--;
    const inner = stepInto(walk, place, at);
    let copy = visit(walk, value, inner, secret);
    if (copy === NOTHING) copy = visit(walk, null, inner, secret);
    if (copy === NO_ROOM || copy === NOTHING) {
      Object.assign(walk, before, { truncated: true, incomplete: true });
      cut = true;
      break;
    }
    copies.push(copy);
    previous = value;
  }
  if (cut) copies.push(TRUNCATED);
  close(walk, copies.length > 0, cut);
  return copies;
}

function members(walk: Walk, object: object, place: Place): Visited {
  const copies: Record<string, Copy> = Object.create(null);
  let names = Object.keys(object);
  let cut = Object.hasOwn(object, TRUNCATED) && readMember(object, TRUNCATED) === true;
  if (cut) names = names.filter((name) => name !== TRUNCATED);
  const most = fittingNames(names, walk.room);
  if (names.length > most) {
    names.length = most;
    Object.assign(walk, { truncated: true, incomplete: true });
    cut = true;
  }
  const entry = entryOf(object, names, cut);
  for (const { name, shown, redactions } of shownMembers(walk, object, names)) {
    const before = { room: walk.room, redactions: walk.redactions };
    const value = readMember(object, name);
    walk.room -= jsonBytes(shown) + 2;
    walk.redactions += redactions;
    const copy = visit(walk, value, stepInto(walk, place, name), isSecret(name, shown, value, entry));
    if (copy === NO_ROOM) {
      Object.assign(walk, before, { truncated: true, incomplete: true });
      cut = true;
      break;
    }
    if (copy === NOTHING) Object.assign(walk, before);
    else copies[shown] = copy;
    if (isLabel(name)) noteLabel(entry, name, copy);
  }
  if (cut) copies[TRUNCATED] = true;
  close(walk, Object.keys(copies).length > 0, cut);
  return copies;
}

/** Gives back what a container did not use: the first comma, and the room of the marker. */
function close(walk: Walk, used: boolean, cut: boolean): void {
  if (used) walk.room++;
  if (!cut) walk.room += MARKER_ROOM;
}

interface Member {
  readonly name: string;
  readonly shown: string;
  readonly redactions: number;
  readonly weight: number;
}

/**
 * Members with their names as they are shown, each once: a secret may be a name as well as a value. Labels come
 * before what they name, scalars before lists, so that a long list does not take their room. Markers come with
 * the lists, as which they may have begun: the second time, nothing comes earlier than the first.
 */
function shownMembers({ work }: Walk, object: object, names: readonly string[]): Member[] {
  const used = new Set([TRUNCATED]);
  let number = 1;
  const all = names.map((name) => {
    const fitted = work.shown(name);
    let shown = fitted?.text ?? TRUNCATED;
    while (used.has(shown)) shown = `${REDACTED} ${++number}`;
    used.add(shown);
    return {
      name,
      shown,
      redactions: fitted?.redactions ?? 0,
      weight: weightOf(name, readMember(object, name)),
    };
  });
  return all.sort((a, b) => a.weight - b.weight || (a.shown < b.shown ? -1 : 1));
}

function weightOf(name: string, value: unknown): number {
  if (value === REDACTED || MARKERS.has(value)) return 1;
  if (typeof value === "string" && isLabel(name)) return -1;
  if (typeof value !== "object" || value === null) return 0;
  try {
    const plain = plainOf(value);
    return plain !== NOTHING && isScalar(plain) ? 0 : 1;
  } catch {
    return 1;
  }
}

/** Whether a member's name hides its value, as it is or as it is shown, or another member does. */
function isSecret(name: string, shown: string, value: unknown, entry: Entry): boolean {
  if (hidesMember(entry, name, value)) return true;
  if (entry.label === name) return false;
  return hides(classifyName(name), value) || (shown !== name && hides(classifyName(shown), value));
}

function stepInto(walk: Walk, place: Place, segment: string | number): Place {
  return {
    depth: place.depth + 1,
    schema: walk.schema.step(place.schema, segment),
    paths: pathStep(place.paths, String(segment)),
    isElement: typeof segment === "number",
  };
}
