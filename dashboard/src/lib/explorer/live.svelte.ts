// The live end of the explorer's list. What comes is kept in a ring and shown a frame at a time; while it is paused it
// waits, counted. A tab that nobody sees lets the connection go, and catches up from where it was when it is seen again.
import { daybook } from "#lib/api.ts";
import { parsePosition, writePosition } from "../../../../src/event/feed.ts";
import type { EventJson } from "../../../../src/event/json.ts";
import type { EventFilter } from "../../../../src/query/filter.ts";

const MOST = 20_000;
/** Handed over at once, so that it happens seldom. */
const STEP = 2000;
const RATE_MS = 5000;

export class Live {
  /** off · connecting · live · offline */
  #state = $state<"off" | "connecting" | "live" | "offline">("off");
  #isPaused = $state(false);
  /** How many of the ring are shown, the oldest first. */
  #shown = $state(0);
  #waiting = $state(0);
  /** Events that nobody can be shown any more. */
  #missing = $state(0);
  #rate = $state(0);
  /** All that came since the list was read. */
  #received = 0;
  /** Oldest first. */
  #ring: EventJson[] = [];
  #arrived: EventJson[] = [];
  #recent: { at: number; count: number }[] = [];
  #position: string | null = null;
  #filter: EventFilter = { where: {} };
  #run: AbortController | null = null;
  #frame = 0;
  readonly #handOver: (events: readonly EventJson[], more: number) => void;

  /** `handOver` is given what the ring has no room for, newest first, and how many of that were not shown. */
  constructor(handOver: (events: readonly EventJson[], more: number) => void) {
    this.#handOver = handOver;
  }

  get state() {
    return this.#state;
  }
  get isOn() {
    return this.#state !== "off";
  }
  get isPaused() {
    return this.#isPaused;
  }
  get shown() {
    return this.#shown;
  }
  get waiting() {
    return this.#waiting;
  }
  get missing() {
    return this.#missing;
  }
  /** Events a second, of late. */
  get rate() {
    return this.#rate;
  }
  get received() {
    return this.#received;
  }

  /** Newest first. */
  event(index: number): EventJson | null {
    return this.#ring[this.#shown - 1 - index] ?? null;
  }

  indexOf(eventId: string): number {
    const at = this.#ring.findLastIndex(({ event_id: id }, index) => index < this.#shown && id === eventId);
    return at < 0 ? -1 : this.#shown - 1 - at;
  }

  reset(): void {
    this.#ring = [];
    this.#arrived = [];
    this.#recent = [];
    this.#shown = 0;
    this.#waiting = 0;
    this.#missing = 0;
    this.#rate = 0;
    this.#received = 0;
    this.#position = null;
    this.#isPaused = false;
  }

  async start(filter: EventFilter, asOf: Readonly<Record<string, number>>): Promise<void> {
    this.#filter = filter;
    this.#position ??= writePosition(asOf);
    await this.#connect();
  }

  stop(): void {
    this.#run?.abort();
    this.#run = null;
    this.#state = "off";
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  pause(): void {
    if (this.isOn) this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#flush();
  }

  /** Nobody looks, or the network is gone: the connection is let go. Somebody does, or it is back: it goes on. */
  reach(isPossible: boolean): void {
    if (!this.isOn) return;
    if (isPossible && this.#run === null) void this.#connect();
    else if (!isPossible) {
      this.#run?.abort();
      this.#run = null;
      this.#state = "offline";
    }
  }

  /** The rate anew: it falls while nothing comes. */
  measure(): void {
    const now = Date.now();
    this.#recent = this.#recent.filter(({ at }) => now - at < RATE_MS);
    this.#rate = this.#recent.reduce((sum, { count }) => sum + count, 0) / (RATE_MS / 1000);
  }

  async #connect(): Promise<void> {
    this.#run?.abort();
    const run = new AbortController();
    this.#run = run;
    this.#state = "connecting";
    try {
      const items = daybook.live(this.#filter, { after: this.#position ?? "", signal: run.signal });
      for await (const item of items) {
        if (item.type === "events") {
          this.#position = item.position;
          for (const event of item.events) this.#arrived.push(event);
          this.#received += item.events.length;
          this.#recent.push({ at: Date.now(), count: item.events.length });
        } else if (item.type === "gap") {
          this.#position = writePosition({
            ...parsePosition(this.#position ?? ""),
            [item.gap.node_id]: item.gap.to_seq,
          });
          this.#missing += item.gap.missing;
        } else this.#state = item.type;
        if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#flush());
      }
    } catch {
      if (run === this.#run) this.#state = "offline";
    }
  }

  #flush(): void {
    this.#frame = 0;
    for (const event of this.#arrived) this.#ring.push(event);
    this.#arrived = [];
    this.measure();
    if (!this.#isPaused) this.#shown = this.#ring.length;
    if (this.#ring.length > MOST + STEP) {
      const over = this.#ring.splice(0, this.#ring.length - MOST);
      const more = Math.max(0, over.length - this.#shown);
      this.#shown = Math.max(0, this.#shown - over.length);
      this.#handOver(over.reverse(), more);
    }
    this.#waiting = this.#ring.length - this.#shown;
  }
}
