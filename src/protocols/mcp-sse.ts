// A server's stream of events, as the envelopes of the messages that it carries (MCP, Streamable HTTP). Events of any
// size stream past.
import { type Envelope, EnvelopeReader } from "./mcp-envelopes.ts";
import { type SsePart, SseSplitter } from "./sse.ts";

const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;

/** A part of the stream as it came, and the messages that it completes. */
export interface McpPart {
  readonly bytes: Buffer;
  readonly envelopes: readonly Envelope[];
}

export class McpStream {
  readonly #splitter = new SseSplitter();
  /** Of the event at hand. */
  #reader = new EnvelopeReader();
  /** Of the line at hand: its field's name so far, or what the rest of it is. */
  #field: string | null = "";
  #takes: "data" | "id" | null = null;
  /** Events had ids: a client that loses the stream can go on with it elsewhere. */
  resumable = false;

  /** The parts that `chunk` completes: all together are the stream. */
  feed(chunk: Buffer): McpPart[] {
    return this.#splitter.feed(chunk).map((part) => ({ bytes: part.bytes, envelopes: this.#read(part) }));
  }

  /** The bytes after the last whole event. */
  rest(): Buffer {
    return this.#splitter.rest();
  }

  #read({ kind, bytes }: SsePart): readonly Envelope[] {
    if (kind === "tail" || kind === "mark") return [];
    const envelopes = this.#lines(bytes);
    if (kind === "piece") return envelopes;
    this.#reader = new EnvelopeReader();
    this.#field = "";
    this.#takes = null;
    return envelopes;
  }

  #lines(bytes: Buffer): Envelope[] {
    const envelopes: Envelope[] = [];
    for (let at = 0; at < bytes.length; ) {
      if (this.#field !== null) {
        at = this.#fieldName(bytes, at);
        continue;
      }
      const end = lineEnd(bytes, at);
      // One space may stand before the value; for JSON it is none.
      if (this.#takes === "data") envelopes.push(...this.#reader.feed(bytes.subarray(at, end)));
      if (this.#takes === "id" && end > at + (bytes[at] === 0x20 ? 1 : 0)) this.resumable = true;
      if (end < bytes.length) this.#field = "";
      at = end + 1;
    }
    return envelopes;
  }

  #fieldName(bytes: Buffer, start: number): number {
    for (let at = start; at < bytes.length; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === COLON) {
        const name = this.#field;
        this.#takes = name === "data" || name === "id" ? name : null;
        this.#field = null;
        return at + 1;
      }
      if (byte === CR || byte === LF) this.#field = "";
      // Longer names are none of the two.
      else if ((this.#field ?? "").length < 5) this.#field += String.fromCharCode(byte);
    }
    return bytes.length;
  }
}

function lineEnd(bytes: Buffer, from: number): number {
  const lf = bytes.indexOf(LF, from);
  const line = lf === -1 ? bytes.length : lf;
  const cr = bytes.subarray(from, line).indexOf(CR);
  return cr === -1 ? line : from + cr;
}
