// What a server answers, as the envelopes of its messages: which request an answer is for, and which of the three
// layers it failed in. Results are the server's content: they stream past, and are never kept, whatever their size.
import type { McpId } from "./mcp-messages.ts";
import { idOf } from "./mcp-messages.ts";

export interface Envelope {
  /** Null: it has none, or none that is understood. */
  readonly id: McpId | null;
  readonly is: "result" | "error" | "request" | "notification";
  /** `error.code`. */
  readonly errorCode: number | null;
  /** `result.isError`: the tool ran, and failed. */
  readonly toolFailed: boolean;
  /** `result.resultType`, of stateless versions. */
  readonly resultType: string | null;
  /** A short `result.requestState`: what the next request of this exchange gives back. */
  readonly state: string | null;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

/** Longer keys and scalars are none of those that are read. */
const MAX_TOKEN = 4096;

/** What is read of a message, by its path. */
const READ: ReadonlySet<string> = new Set([
  "id",
  "method",
  "result",
  "error",
  "error.code",
  "result.isError",
  "result.resultType",
  "result.requestState",
]);

/**
 * Reads messages of JSON-RPC, one or an array of them, in chunks of any size. Memory is bounded by the longest scalar
 * that is read. Text that is no JSON gives no envelopes, or some that nobody asked for.
 */
export class EnvelopeReader {
  /** Containers that are open. */
  #depth = 0;
  /** Those around a message: 1 within a batch. */
  #base = 0;
  /** Depth of the outermost container of which nothing is read; 0: none. */
  #skippedAt = 0;
  #expectsKey = false;
  /** Key of the message, and key within its result or error. */
  readonly #keys: [string, string] = ["", ""];
  #inString = false;
  /** A backslash that is itself not escaped ends the chunk before. */
  #escaped = false;
  #inScalar = false;
  /** The string or scalar at hand; null: it is none that matters. */
  #token: Buffer[] | null = null;
  #tokenBytes = 0;
  #found = new Map<string, unknown>();

  /** The envelopes of the messages that `chunk` completes, in order. */
  feed(chunk: Buffer): Envelope[] {
    const envelopes: Envelope[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#inString) at = this.#string(chunk, at);
      else if (this.#inScalar) at = this.#scalar(chunk, at);
      else this.#structure(chunk[at++] ?? 0, envelopes);
    }
    return envelopes;
  }

  #structure(byte: number, envelopes: Envelope[]): void {
    switch (byte) {
      case OPEN_BRACE:
      case OPEN_BRACKET:
        this.#open(byte === OPEN_BRACE);
        return;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        this.#close(envelopes);
        return;
      case COMMA:
        this.#expectsKey = this.#skippedAt === 0 && this.#depth > this.#base;
        return;
      case COLON:
        this.#expectsKey = false;
        return;
      case QUOTE:
        this.#inString = true;
        this.#begin(this.#expectsKey || this.#isRead);
        return;
      default:
        if (byte <= SPACE) return;
        this.#inScalar = true;
        this.#begin(this.#isRead);
        this.#keep(Buffer.of(byte));
    }
  }

  #open(isObject: boolean): void {
    if (this.#isRead) this.#found.set(this.#path, true);
    if (this.#depth === 0 && !isObject) this.#base = 1;
    else if (this.#skippedAt === 0 && !(isObject && this.#opensRead)) this.#skippedAt = this.#depth + 1;
    this.#depth++;
    this.#expectsKey = isObject && this.#skippedAt === 0;
  }

  /** Whether an object that begins now is a message, or a message's result or error. */
  get #opensRead(): boolean {
    const [key] = this.#keys;
    const level = this.#depth - this.#base;
    return level === 0 || (level === 1 && (key === "result" || key === "error"));
  }

  #close(envelopes: Envelope[]): void {
    if (this.#depth === 0) return;
    const wasRead = this.#skippedAt === 0;
    if (this.#skippedAt === this.#depth) this.#skippedAt = 0;
    this.#depth--;
    this.#expectsKey = false;
    // What closes the batch is no message.
    if (this.#depth === 0 && this.#base === 1) this.#base = 0;
    else if (wasRead && this.#depth === this.#base) envelopes.push(this.#envelope());
  }

  get #path(): string {
    const [key, inner] = this.#keys;
    return this.#depth - this.#base === 1 ? key : `${key}.${inner}`;
  }

  /** Whether the value that comes is one that is read. */
  get #isRead(): boolean {
    return this.#skippedAt === 0 && this.#depth > this.#base && READ.has(this.#path);
  }

  #begin(kept: boolean): void {
    this.#token = kept ? [] : null;
    this.#tokenBytes = 0;
  }

  #keep(bytes: Buffer): void {
    if (this.#token === null || bytes.length === 0) return;
    this.#tokenBytes += bytes.length;
    if (this.#tokenBytes > MAX_TOKEN) this.#token = null;
    else this.#token.push(Buffer.from(bytes));
  }

  /** From `at` to just past the closing quote, or to the chunk's end. A quote ends it unless it is escaped. */
  #string(chunk: Buffer, at: number): number {
    let from = at;
    if (this.#escaped) {
      from++;
      this.#escaped = false;
    }
    for (;;) {
      const quote = chunk.indexOf(QUOTE, from);
      const end = quote === -1 ? chunk.length : quote;
      let before = end - 1;
      while (before >= from && chunk[before] === BACKSLASH) before--;
      const odd = (end - 1 - before) % 2 === 1;
      if (quote === -1) {
        this.#escaped = odd;
        this.#keep(chunk.subarray(at));
        return chunk.length;
      }
      from = quote + 1;
      if (odd) continue;
      this.#keep(chunk.subarray(at, quote));
      this.#inString = false;
      this.#endString();
      return from;
    }
  }

  #endString(): void {
    const text =
      this.#token === null ? undefined : parsed(`"${Buffer.concat(this.#token).toString("utf8")}"`);
    this.#token = null;
    if (this.#expectsKey) this.#keys[this.#depth - this.#base === 1 ? 0 : 1] = String(text ?? "");
    else if (text !== undefined && this.#isRead) this.#found.set(this.#path, text);
  }

  #scalar(chunk: Buffer, at: number): number {
    let end = at;
    while (end < chunk.length && !isDelimiter(chunk[end] ?? 0)) end++;
    this.#keep(chunk.subarray(at, end));
    if (end < chunk.length) {
      this.#inScalar = false;
      const value = this.#token === null ? undefined : parsed(Buffer.concat(this.#token).toString("utf8"));
      this.#token = null;
      if (value !== undefined) this.#found.set(this.#path, value);
    }
    return end;
  }

  #envelope(): Envelope {
    const found = this.#found;
    this.#found = new Map();
    const [code, type, state] = ["error.code", "result.resultType", "result.requestState"].map((path) =>
      found.get(path),
    );
    const id = idOf(found.get("id"));
    return {
      id,
      is: kindOf(found, id),
      errorCode: typeof code === "number" ? code : null,
      toolFailed: found.get("result.isError") === true,
      resultType: typeof type === "string" ? type : null,
      state: typeof state === "string" ? state : null,
    };
  }
}

function kindOf(found: ReadonlyMap<string, unknown>, id: McpId | null): Envelope["is"] {
  // Containers are true. What stands there instead is of no JSON-RPC.
  if (found.get("error") === true) return "error";
  if (found.get("result") === true) return "result";
  return id === null ? "notification" : "request";
}

function isDelimiter(byte: number): boolean {
  return byte <= SPACE || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
