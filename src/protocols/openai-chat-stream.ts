// Answers of OpenAI chat completions that come as server-sent events: the facts that the audit needs, and which
// bytes go on to the client. An event is parsed only when it can hold a fact; all others pass by unread.

import { isObject } from "./json-members.ts";
import {
  type ChatFacts,
  finishReasonOf,
  knownFinishReason,
  modelOf,
  parsedObject,
} from "./openai-chat-answer.ts";
import { inBandError } from "./provider-errors.ts";
import { eventData, MAX_EVENT_BYTES, type SsePart, SseSplitter } from "./sse.ts";
import { largerUsage, openaiUsage } from "./usage.ts";

/** Bytes for the client, in order: `forward` at once, `held` (the terminator and all after it) when the end may show. */
export interface Released {
  readonly forward: Buffer[];
  readonly held: Buffer[];
}

/** A member with something in it: most chunks say `"usage":null` and `"finish_reason":null`. */
const FACT = /"(?:usage|finish_reason|error)"\s*:(?!\s*null)|\[DONE\]/;
const MODEL = /"model"\s*:/;
const TERMINATOR = "[DONE]";

export class ChatStreamReader {
  readonly #splitter: SseSplitter;
  readonly #stripUsage: boolean;
  readonly #facts: { -readonly [F in keyof ChatFacts]: ChatFacts[F] } = {
    usage: null,
    model: null,
    finishReason: null,
    inBandError: null,
  };
  /** The last event was left out. */
  #dropped = false;
  #done = false;
  #finished = false;
  #ended = false;

  /** `stripUsage`: Daybook asked for usage and the client did not, so the chunk that only carries it is left out. */
  constructor({
    stripUsage,
    maxEventBytes = MAX_EVENT_BYTES,
  }: { stripUsage: boolean; maxEventBytes?: number }) {
    this.#stripUsage = stripUsage;
    this.#splitter = new SseSplitter({ maxEventBytes });
  }

  /** What is known so far. Each fact is there as soon as its event is: the end may never come. */
  get facts(): ChatFacts {
    return this.#facts;
  }

  /** The stream is whole: `data: [DONE]` came, or it ended cleanly after a finish reason. */
  get terminated(): boolean {
    return this.#done || (this.#ended && this.#finished);
  }

  feed(chunk: Buffer): Released {
    const released: Released = { forward: [], held: [] };
    for (const part of this.#splitter.feed(chunk)) this.#release(part, released);
    return released;
  }

  /** The stream ended cleanly; not for one that broke. Its last event counts without the blank line after it too. */
  finish(): Released {
    this.#ended = true;
    const released: Released = { forward: [], held: [] };
    const bytes = this.#splitter.rest();
    if (bytes.length > 0) this.#release({ kind: "event", bytes }, released);
    return released;
  }

  #release({ kind, bytes }: SsePart, { forward, held }: Released): void {
    if (kind === "event") this.#dropped = this.#read(bytes);
    else if (kind === "raw") this.#dropped = false;
    if (!this.#dropped) append(this.#done ? held : forward, bytes);
  }

  /** Takes the event's facts. True when it is to be left out. */
  #read(event: Buffer): boolean {
    const text = event.toString("latin1");
    if (!FACT.test(text) && (this.#facts.model !== null || !MODEL.test(text))) return false;
    const data = eventData(event);
    if (data === null) return false;
    if (data.trim() === TERMINATOR) {
      this.#done = true;
      return false;
    }
    const chunk = parsedObject(data);
    if (chunk === null) return false;
    const reason = finishReasonOf(chunk);
    this.#finished ||= reason !== null;
    this.#facts.model ??= modelOf(chunk);
    this.#facts.finishReason = knownFinishReason(reason) ?? this.#facts.finishReason;
    this.#facts.inBandError ??= inBandError(chunk);
    this.#facts.usage = largerUsage(this.#facts.usage, openaiUsage(chunk.usage));
    return (
      this.#stripUsage && isObject(chunk.usage) && Array.isArray(chunk.choices) && chunk.choices.length === 0
    );
  }
}

/** Adds `bytes`, joined to the last buffer when they follow it in the same memory: one write instead of many. */
function append(buffers: Buffer[], bytes: Buffer): void {
  const last = buffers.at(-1);
  if (
    last === undefined ||
    last.buffer !== bytes.buffer ||
    last.byteOffset + last.length !== bytes.byteOffset
  ) {
    buffers.push(bytes);
    return;
  }
  buffers[buffers.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + bytes.length);
}
