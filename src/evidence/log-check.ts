// Verifies one log: its keys, its checkpoints, its tiles against them, and its events against the tiles. First `open`,
// then each event once in any order (`add`), then `finish`. Holds one bit for each event and a few tiles.
import { hexOf, sameBytes } from "./bytes.ts";
import { type Checkpoint, originOf, parseCheckpoint } from "./checkpoint.ts";
import { CompactRange } from "./compact-range.ts";
import { followKeys, type KeySpan, parseKeyChain } from "./key-chain.ts";
import { parseNote, type Sha256, verifyNote, writeVerifierKey } from "./note.ts";
import { HASH_BYTES, nodeHashOf } from "./proofs.ts";
import { type Finding, type LogReport, type SeqRange, type State, worstOf } from "./report.ts";
import { TILE_WIDTH } from "./tiles.ts";

/** A log as it was found somewhere. */
export interface FoundLog {
  readonly nodeId: string;
  readonly place: string;
  /** The key chain's text; null: there is none. */
  readonly keys: string | null;
  /** Signed notes, in any order. */
  readonly checkpoints: readonly string[];
  /** The place claims to have the events up to here, with this root (hex); null: it claims nothing. */
  readonly end: { readonly seq: number; readonly root: string } | null;
  /** The place must have all events from this seq on. */
  readonly firstSeq: number;
  tile(level: number, index: number): Promise<Uint8Array | null>;
}

/** What somebody outside says the log was: `size` events with this root (hex). */
export interface Anchored {
  readonly size: number;
  readonly root: string;
}

export interface CheckOptions {
  readonly sha256: Sha256;
  /** Verifier keys that are known from elsewhere; null: the log's own are taken at their word. */
  readonly trusted: readonly string[] | null;
  readonly anchors: readonly Anchored[];
  /** Called after each tile of leaves. */
  readonly onLeaves?: (count: number) => void;
}

/** A checkpoint that is well signed. */
interface Signed extends Checkpoint {
  readonly key: string;
}

/** What somebody said of the log at a size, and what it means when it is not so. */
type ExpectedRoots = Map<number, { readonly root: string; readonly state: State; readonly who: string }[]>;

/** Sentences of one kind that are told singly; then only their number counts. */
const TOLD = 5;

export class LogCheck {
  readonly log: FoundLog;
  readonly #options: CheckOptions;
  readonly #range: CompactRange;
  readonly #findings: Finding[] = [];
  readonly #tiles = new Map<string, Uint8Array>();
  #checkpoints: Signed[] = [];
  #newest: Signed | null = null;
  /** Events with tiles, a bit each; and those that a checkpoint covers, but no tile. */
  #seen = new Uint8Array();
  #covered = 0;
  readonly #seenBeyond = new Set<number>();
  #events = 0;
  #erased = 0;
  /** Of the events beyond the checkpoint: the next that is to come, what was passed over, whether all came in order. */
  #tailNext = 1;
  readonly #tailGaps: SeqRange[] = [];
  #isTailInOrder = true;

  constructor(log: FoundLog, options: CheckOptions) {
    this.log = log;
    this.#options = options;
    this.#range = new CompactRange(nodeHashOf(options.sha256));
  }

  /** Checks keys, checkpoints and tiles. */
  async open(): Promise<void> {
    const { keys, nodeId, checkpoints } = this.log;
    const chain = keys === null ? null : parseKeyChain(keys);
    const spans = chain && (await followKeys(chain, nodeId, this.#options.trusted, this.#options.sha256));
    if (spans === null && keys !== null)
      this.#say("KEY_UNKNOWN", "the log's key chain does not hold, or has no key that is known");
    for (const note of checkpoints) await this.#checkNote(note, spans ?? []);
    this.#checkpoints.sort((a, b) => a.size - b.size || (a.at ?? 0) - (b.at ?? 0));
    this.#newest = this.#checkpoints.at(-1) ?? null;
    if (checkpoints.length === 0) this.#say("NOT_SEALED", "the log has no checkpoint");
    await this.#checkTiles();
    // As many as there are tiles of: a checkpoint may say any size.
    this.#covered = this.#range.size;
    this.#seen = new Uint8Array(Math.floor(this.#covered / 8) + 1);
  }

  async #checkNote(text: string, spans: readonly KeySpan[]): Promise<void> {
    const note = parseNote(text);
    const checkpoint = note && parseCheckpoint(note.text);
    if (note === null || checkpoint?.origin !== originOf(this.log.nodeId))
      return this.#say("TAMPERED", "a checkpoint cannot be read as one of this log");
    const verdict = await verifyNote(
      note,
      spans.map(({ key }) => key),
    );
    if (verdict.is === "bad")
      return this.#say("TAMPERED", `the signature at ${checkpoint.size} does not hold`);
    if (verdict.is !== "signed")
      return this.#say("KEY_UNKNOWN", `the checkpoint at ${checkpoint.size} is by a key that is not known`);
    const span = spans.find(({ key }) => key === verdict.by);
    if (span === undefined || checkpoint.size < span.from || checkpoint.size > span.to)
      return this.#say("TAMPERED", `the checkpoint at ${checkpoint.size} is by a key that did not sign then`);
    this.#checkpoints.push({ ...checkpoint, key: writeVerifierKey(verdict.by) });
  }

  /** Every tile, from the leaves up, and the root at every size that somebody has signed or anchored. */
  async #checkTiles(): Promise<void> {
    const size = this.#newest?.size ?? 0;
    this.#tailNext = size + 1;
    const expected = this.#expectedRoots(size);
    this.#checkRoots(expected, 0);
    for (let index = 0; index * TILE_WIDTH < size; index++) {
      const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
      const tile = await this.#tile(0, index);
      if (tile === null || tile.length < width * HASH_BYTES)
        return this.#say("MISSING", `tile 0/${index} is not there, or too short`);
      const upper: [number, number, Uint8Array][] = [];
      for (let offset = 0; offset < width * HASH_BYTES; offset += HASH_BYTES) {
        this.#range.append(tile.subarray(offset, offset + HASH_BYTES), (level, at, hash) => {
          if (level % 8 === 0) upper.push([level / 8, at, hash]);
        });
        if (expected.has(this.#range.size)) this.#checkRoots(expected, this.#range.size);
      }
      for (const [level, at, hash] of upper) await this.#checkUpper(level, at, hash);
      this.#options.onLeaves?.(width);
    }
  }

  async #checkUpper(level: number, at: number, hash: Uint8Array): Promise<void> {
    const index = Math.floor(at / TILE_WIDTH);
    const tile = await this.#tile(level, index);
    const offset = (at % TILE_WIDTH) * HASH_BYTES;
    if (tile === null || tile.length < offset + HASH_BYTES)
      this.#say("MISSING", `tile ${level}/${index} is not there, or too short`);
    else if (!sameBytes(tile.subarray(offset, offset + HASH_BYTES), hash))
      this.#say("TAMPERED", `tile ${level}/${index} is not over the tiles below it`);
  }

  #expectedRoots(size: number): ExpectedRoots {
    const expected: ExpectedRoots = new Map();
    const expect = (at: number, root: string, state: State, who: string) => {
      const known = expected.get(at);
      if (known === undefined) expected.set(at, [{ root, state, who }]);
      else known.push({ root, state, who });
    };
    for (const { size: at, root } of this.#checkpoints) expect(at, hexOf(root), "TAMPERED", "its checkpoint");
    for (const { size: at, root } of this.#options.anchors) {
      if (at <= size) expect(at, root, "ANCHOR_CONFLICT", "an anchor");
      else this.#say("ANCHOR_CONFLICT", `an anchor has ${at} events, and the log's checkpoint only ${size}`);
    }
    return expected;
  }

  #checkRoots(expected: ExpectedRoots, size: number): void {
    const root = hexOf(this.#range.root() ?? this.#options.sha256(new Uint8Array()));
    for (const { root: said, state, who } of expected.get(size) ?? [])
      if (said !== root) this.#say(state, `the tiles up to ${size} have another root than ${who} says`);
  }

  /**
   * An event of this log; `leaf` null: it is there, and is not to be looked at. True: it is what was sealed. A promise
   * only where a tile must be read first: most events find theirs, and waiting for nothing would slow each of them.
   */
  add(seq: number, leaf: Uint8Array | null, isErased = false): boolean | Promise<boolean> {
    const size = this.#newest?.size ?? 0;
    if (!Number.isSafeInteger(seq) || seq < 1) {
      this.#say("TAMPERED", "an event has no sequence number");
      return false;
    }
    if (seq > size) {
      this.#addToTail(seq, leaf);
      return false;
    }
    if (this.#isSeen(seq)) {
      this.#say("TAMPERED", `event ${seq} is there twice`);
      return false;
    }
    if (seq > this.#covered) this.#seenBeyond.add(seq);
    else this.#seen[Math.floor(seq / 8)] = (this.#seen[Math.floor(seq / 8)] ?? 0) | (1 << (seq & 7));
    if (leaf === null) return false;
    this.#events++;
    if (isErased) this.#erased++;
    const index = Math.floor((seq - 1) / TILE_WIDTH);
    const kept = this.#tiles.get(`0/${index}`);
    if (kept !== undefined) return this.#isSealed(kept, seq, leaf);
    return this.#tile(0, index).then((tile) => this.#isSealed(tile, seq, leaf));
  }

  #isSeen(seq: number): boolean {
    if (seq > this.#covered) return this.#seenBeyond.has(seq);
    return ((this.#seen[Math.floor(seq / 8)] ?? 0) & (1 << (seq & 7))) !== 0;
  }

  #isSealed(tile: Uint8Array | null, seq: number, leaf: Uint8Array): boolean {
    const offset = ((seq - 1) % TILE_WIDTH) * HASH_BYTES;
    // A tile that is missing has been told.
    if (tile === null || tile.length < offset + HASH_BYTES) return false;
    for (let index = 0; index < HASH_BYTES; index++) {
      if (tile[offset + index] === leaf[index]) continue;
      this.#say("TAMPERED", `event ${seq} is not what was sealed`);
      return false;
    }
    return true;
  }

  #addToTail(seq: number, leaf: Uint8Array | null): void {
    if (seq < this.#tailNext) {
      this.#isTailInOrder = false;
      return;
    }
    if (seq > this.#tailNext) this.#tailGaps.push({ from: this.#tailNext, to: seq - 1 });
    if (seq === this.#range.size + 1 && leaf !== null) this.#range.append(leaf);
    this.#tailNext = seq + 1;
  }

  /** `removed`: what retention says it has removed of this log, by events that are sealed, and how many in all. */
  finish(removed: { readonly ranges: readonly SeqRange[]; readonly count: number }): LogReport {
    const size = this.#newest?.size ?? 0;
    const last = Math.max(size, this.#tailNext - 1, this.log.end?.seq ?? 0);
    const tail = last - size;
    if (this.#tailNext <= last) this.#tailGaps.push({ from: this.#tailNext, to: last });
    const pruned = this.#checkGaps(size, removed);
    if (tail > 0) this.#checkTail(size, last);
    if (this.#erased > 0) this.#say("VALID_ERASED", `${this.#erased} events have erased personal fields`);
    if (pruned > 0) this.#say("PRUNED", `${pruned} events were removed by retention`);
    if (tail > 0 && this.#newest !== null) this.#say("UNSEALED_TAIL", `${tail} events are not sealed yet`);
    return {
      nodeId: this.log.nodeId,
      place: this.log.place,
      state: worstOf(this.#findings.map(({ state }) => state)),
      findings: this.#findings,
      size,
      sealedAt: this.#newest?.at ?? null,
      checkpoints: this.#checkpoints.length,
      key: this.#newest?.key ?? null,
      events: this.#events,
      erased: this.#erased,
      pruned,
      tail,
    };
  }

  /** Events that are not there; returns how many of them retention accounts for. */
  #checkGaps(size: number, { ranges, count }: { ranges: readonly SeqRange[]; count: number }): number {
    let pruned = 0;
    const told = joined(ranges);
    // Where tiles are missing there is nothing to go on from, and that has been told.
    const beyond = this.#covered >= size ? this.#tailGaps : [];
    for (const gap of [...this.#gaps(this.log.firstSeq, Math.min(size, this.#covered)), ...beyond]) {
      for (const part of partsOf(gap, told)) {
        if (part.isCovered) pruned += part.to - part.from + 1;
        else
          this.#say(
            "MISSING",
            `events ${part.from} to ${part.to} are not there, and no sealed event says why`,
          );
      }
    }
    if (pruned > count)
      this.#say("MISSING", `${pruned} events are not there where retention says that it removed ${count}`);
    return pruned;
  }

  *#gaps(first: number, size: number): Generator<SeqRange> {
    let from: number | null = null;
    for (let seq = first; seq <= size; seq++) {
      if (!this.#isSeen(seq)) from ??= seq;
      else if (from !== null) {
        yield { from, to: seq - 1 };
        from = null;
      }
    }
    if (from !== null) yield { from, to: size };
  }

  /** Events beyond the newest checkpoint: in order, and, where all are there and looked at, of the root that the place claims. */
  #checkTail(size: number, last: number): void {
    const { end } = this.log;
    if (!this.#isTailInOrder) this.#say("TAMPERED", `the events ${size + 1} to ${last} are not in order`);
    else if (this.#range.size !== last || end?.seq !== last) return;
    else if (hexOf(this.#range.root() ?? new Uint8Array()) !== end.root)
      this.#say("TAMPERED", `the events ${size + 1} to ${last} have another root than was recorded`);
  }

  async #tile(level: number, index: number): Promise<Uint8Array | null> {
    const name = `${level}/${index}`;
    const kept = this.#tiles.get(name);
    if (kept !== undefined) return kept;
    const tile = await this.log.tile(level, index);
    if (tile === null) return null;
    if (this.#tiles.size >= 16) this.#tiles.delete(this.#tiles.keys().next().value ?? "");
    this.#tiles.set(name, tile);
    return tile;
  }

  #say(state: State, detail: string): void {
    const alike = this.#findings.filter((finding) => finding.state === state).length;
    if (alike < TOLD) this.#findings.push({ state, detail });
    else if (alike === TOLD) this.#findings.push({ state, detail: "and more of the kind" });
  }
}

/** The same seqs, in order and no two ranges that meet: retention tells of the same range again and again. */
function joined(ranges: readonly SeqRange[]): SeqRange[] {
  const all: SeqRange[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (to < from) continue;
    if (last === undefined || from > last.to + 1) all.push({ from, to });
    else all[all.length - 1] = { from: last.from, to: Math.max(last.to, to) };
  }
  return all;
}

/** The parts of a gap that are in one of the ranges (see `joined`), and those that are in none. */
function* partsOf(gap: SeqRange, ranges: readonly SeqRange[]): Generator<SeqRange & { isCovered: boolean }> {
  let from = gap.from;
  for (let at = firstEndingFrom(ranges, from); from <= gap.to; at++) {
    const range = ranges[at];
    if (range === undefined || range.from > gap.to) break;
    if (range.from > from) yield { from, to: range.from - 1, isCovered: false };
    const [start, to] = [Math.max(from, range.from), Math.min(gap.to, range.to)];
    yield { from: start, to, isCovered: true };
    from = to + 1;
  }
  if (from <= gap.to) yield { from, to: gap.to, isCovered: false };
}

/** The place of the first range that ends at `seq` or later. */
function firstEndingFrom(ranges: readonly SeqRange[], seq: number): number {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.to ?? 0) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
