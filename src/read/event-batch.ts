// Events as the frames that feeds send, each made at most once, however many read them.
import { Buffer } from "node:buffer";
import { type FeedPosition, writePosition } from "../event/feed.ts";
import type { EventTexts } from "./feed-messages.ts";

const encoder = new TextEncoder();
const LOG = encoder.encode('{"type":"log","data":');
const LOGS = encoder.encode('{"type":"logs","data":');
const END = encoder.encode("}");
const DATA = encoder.encode("data: ");
const BREAK = encoder.encode("\n\n");

export class EventBatch {
  readonly #texts: EventTexts;
  readonly #from: FeedPosition | null;
  readonly #made = new Map<string, readonly Uint8Array[]>();

  /** `from`: where it begins; null: from before the feed began. */
  constructor(texts: EventTexts, from: FeedPosition | null) {
    this.#texts = texts;
    this.#from = from;
  }

  get count(): number {
    return this.#texts.ends.length;
  }

  /** The JSON of an array of events. */
  get json(): Uint8Array {
    return this.#texts.text;
  }

  /** A frame for each event, or (`together`) one for all. */
  frames(together: boolean): readonly Uint8Array[] {
    return this.#once(`frames ${together}`, () =>
      together
        ? [Buffer.concat([LOGS, this.json, END])]
        : this.#each().map((json) => Buffer.concat([LOG, json, END])),
    );
  }

  /** The same as an event stream, in one piece. `at` is where the batch ends. */
  eventStream(together: boolean, at: FeedPosition): readonly Uint8Array[] {
    return this.#once(`stream ${together}`, () => {
      const frames = this.frames(together);
      const ids = together ? [writePosition(at)] : this.#positions(at);
      return [
        Buffer.concat(
          frames.flatMap((frame, index) => [encoder.encode(`id: ${ids[index]}\n`), DATA, frame, BREAK]),
        ),
      ];
    });
  }

  #once(key: string, make: () => readonly Uint8Array[]): readonly Uint8Array[] {
    const made = this.#made.get(key) ?? make();
    this.#made.set(key, made);
    return made;
  }

  #each(): Uint8Array[] {
    const { text, ends } = this.#texts;
    return ends.map((end, index) => text.subarray(index === 0 ? 1 : (ends[index - 1] ?? 0) + 1, end));
  }

  /** How far somebody is after each event. */
  #positions(at: FeedPosition): string[] {
    const { nodeIds, seqs } = this.#texts;
    const from = this.#from;
    if (from === null) return nodeIds.map(() => writePosition(at));
    const reached: Record<string, number> = { ...from };
    return nodeIds.map((nodeId, index) => {
      reached[nodeId] = seqs[index] ?? 0;
      return writePosition(reached);
    });
  }
}
