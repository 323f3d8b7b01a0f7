// Server-sent events (WHATWG HTML, section 9.2) as bytes: a stream is cut into its events without changing one
// byte, so that each can be looked at, held back or left out. How the network cut the chunks never shows: the same
// bytes give the same events. Nothing is copied unless an event spans chunks, and memory is bounded.
import { Carry } from "./carry.ts";

/**
 * A part of the stream. All parts together are the stream.
 * - `event`: a whole event with the blank line that ends it (comments and blank lines count as events).
 * - `tail`: the LF of a CRLF whose CR ended the event before, when a chunk ended between the two.
 * - `piece`: of an event larger than the limit; `lastPiece` has its blank line.
 * - `mark`: a byte order mark.
 */
export interface SsePart {
  readonly kind: "event" | "tail" | "piece" | "lastPiece" | "mark";
  readonly bytes: Buffer;
}

const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const SPACE = 0x20;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** Bytes of an event, its blank line included but for a last LF. A larger one is released in pieces. */
export const MAX_EVENT_BYTES = 1024 * 1024;

export class SseSplitter {
  readonly #maxEventBytes: number;
  readonly #carry = new Carry();
  /** Inside the event: nothing of the current line has been seen. */
  #lineEmpty = true;
  /** The last byte was a CR: an LF that follows belongs to the same line end. */
  #afterCr = false;
  /** That CR ended an event. */
  #eventReleased = false;
  /** A part of the current event is already released: it was too large. */
  #oversize = false;
  #atStart = true;

  constructor({ maxEventBytes = MAX_EVENT_BYTES }: { maxEventBytes?: number } = {}) {
    this.#maxEventBytes = maxEventBytes;
  }

  /** The parts that `chunk` completes, in order. They may be views of `chunk`. */
  feed(chunk: Buffer): SsePart[] {
    const parts: SsePart[] = [];
    const bytes = this.#atStart ? this.#withoutBom(chunk, parts) : chunk;
    if (bytes.length > 0) this.#split(bytes, parts);
    return parts;
  }

  /** The bytes after the last blank line, at the end of the stream; empty when it ended well. */
  rest(): Buffer {
    return this.#carry.take();
  }

  /** A byte order mark stands before the first line and is no part of it. */
  #withoutBom(chunk: Buffer, parts: SsePart[]): Buffer {
    let start = chunk;
    if (this.#carry.length > 0) {
      this.#carry.append(chunk);
      start = this.#carry.take();
    }
    const same = start.subarray(0, BOM.length).equals(BOM.subarray(0, start.length));
    if (same && start.length < BOM.length) {
      this.#carry.append(start);
      return start.subarray(0, 0);
    }
    this.#atStart = false;
    if (!same) return start;
    parts.push({ kind: "mark", bytes: start.subarray(0, BOM.length) });
    return start.subarray(BOM.length);
  }

  #split(chunk: Buffer, parts: SsePart[]): void {
    let from = 0;
    let at = 0;
    if (this.#afterCr && chunk[0] === LF) {
      at = 1;
      if (this.#eventReleased) {
        parts.push({ kind: "tail", bytes: chunk.subarray(0, 1) });
        from = 1;
      }
    }
    this.#afterCr = false;
    const lines = new LineEnds(chunk);
    while (at < chunk.length) {
      const end = lines.next(at);
      if (end === -1) {
        this.#lineEmpty = false;
        break;
      }
      const blank = this.#lineEmpty && end === at;
      this.#lineEmpty = true;
      at = end + 1;
      if (chunk[end] === CR) {
        if (at === chunk.length) this.#afterCr = true;
        else if (chunk[at] === LF) at++;
      }
      if (blank) {
        this.#release(chunk.subarray(from, at), end + 1 - from, parts);
        from = at;
      }
      this.#eventReleased = blank;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from), parts);
  }

  /** `last` ends the current event; `size` of its bytes count. */
  #release(last: Buffer, size: number, parts: SsePart[]): void {
    const oversize = this.#oversize || this.#carry.length + size > this.#maxEventBytes;
    this.#oversize = false;
    let bytes = last;
    if (this.#carry.length > 0) {
      this.#carry.append(last);
      bytes = this.#carry.take();
    }
    parts.push({ kind: oversize ? "lastPiece" : "event", bytes });
  }

  /** `part` goes on in the next chunk. */
  #keep(part: Buffer, parts: SsePart[]): void {
    if (!this.#oversize && this.#carry.length + part.length <= this.#maxEventBytes) {
      this.#carry.append(part);
      return;
    }
    this.#oversize = true;
    if (this.#carry.length > 0) parts.push({ kind: "piece", bytes: this.#carry.take() });
    parts.push({ kind: "piece", bytes: part });
  }
}

/** Line ends of a buffer, looked for with native search: CRs are rare, so their absence is found out once. */
class LineEnds {
  readonly #bytes: Buffer;
  #lf = -2;
  #cr = -2;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Index of the first CR or LF at or after `from`, -1 when there is none. `from` never goes back. */
  next(from: number): number {
    if (this.#lf !== -1 && this.#lf < from) this.#lf = this.#bytes.indexOf(LF, from);
    if (this.#cr !== -1 && this.#cr < from) this.#cr = this.#bytes.indexOf(CR, from);
    if (this.#lf === -1) return this.#cr;
    if (this.#cr === -1) return this.#lf;
    return Math.min(this.#lf, this.#cr);
  }
}

const DATA = Buffer.from("data");

/** The event's `data` lines, joined by LF, or null when it has none. */
export function eventData(event: Buffer): string | null {
  const lines = new LineEnds(event);
  let data: string | null = null;
  for (let at = 0; at < event.length; ) {
    const found = lines.next(at);
    const end = found === -1 ? event.length : found;
    const value = dataValue(event, at, end);
    if (value !== null) data = data === null ? value : `${data}\n${value}`;
    at = end + 1;
  }
  return data;
}

/** Value of the line when its field is `data`: after the colon and one space, or empty without a colon. */
function dataValue(event: Buffer, start: number, end: number): string | null {
  const colon = start + DATA.length;
  if (end < colon || event.compare(DATA, 0, DATA.length, start, colon) !== 0) return null;
  if (end === colon) return "";
  if (event[colon] !== COLON) return null;
  const value = event[colon + 1] === SPACE ? colon + 2 : colon + 1;
  return event.toString("utf8", Math.min(value, end), end);
}
