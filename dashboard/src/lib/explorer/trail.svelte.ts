// What the explorer shows: a snapshot of the trail as of the positions of its first page, of which any part is fetched
// when it comes into view, and above it what the live feed brought since. What was shown stays until there is something
// newer to show.
import { ClientError, daybook, isPassing } from "#lib/api.ts";
import { turns } from "#lib/turns.ts";
import { parsePosition } from "../../../../src/event/feed.ts";
import type { EventJson } from "../../../../src/event/json.ts";
import { encodeCursor } from "../../../../src/query/cursor.ts";
import type { AsOf, EventFilter } from "../../../../src/query/filter.ts";
import { writeFilter } from "../../../../src/query/parameters.ts";
import { type Histogram, histogramOf } from "./histogram.ts";
import { Live } from "./live.svelte.ts";
import { before, type Found, keyOf, type Slice, slicesOf, Timeline } from "./timeline.ts";

const FIRST = 100;
const PAGE = 500;
/** Deeper in a slice than this, the slice is cut instead of read from its top. */
const DEEP = 1000;
/** Slices shorter than this are not cut: buckets are a second at least. */
const SHORT_MS = 2000;
/** Events kept of what was scrolled by. */
const KEPT = 20_000;
const SETTLE_MS = 40;
const RETRY_MS = 2000;

/** What an answer makes of the list as it is by then. */
type Change = (timeline: Timeline) => Timeline;

const mayPass = (error: unknown): boolean => error instanceof ClientError && isPassing(error);

export class Trail {
  #timeline = $state.raw(new Timeline());
  #histogram = $state.raw<Histogram | null>(null);
  #state = $state.raw<"loading" | "ready" | "failed">("loading");
  #error = $state.raw<unknown>(null);
  /** UTC ms of the snapshot. */
  #at = $state(0);
  /** Its histogram is there, or will not come. */
  #isCounted = $state(false);
  /** How often it was counted anew, while it is live, and what had come by then. */
  #round = $state(0);
  #counted = 0;
  readonly live: Live;
  /** Told when rows above the given index became more or fewer. */
  onShift: (by: number) => void = () => {};

  #filter: EventFilter & { since: number } = { where: {}, since: 0 };
  #asOf: Record<string, number> = {};
  #run = new AbortController();
  readonly #loading = new Set<Slice>();
  #view = { from: 0, to: 0 };
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.live = new Live((events, more) => this.#handOver(events, more));
  }

  get state() {
    return this.#state;
  }
  get error() {
    return this.#error;
  }
  get histogram() {
    return this.#histogram;
  }
  get at() {
    return this.#at;
  }
  /** What else is asked of the whole list may be asked now: rows and how many they are come first. */
  get isCounted() {
    return this.#isCounted;
  }
  /** Another one says that sums are to be read anew. */
  get round(): string {
    return `${this.#at} ${this.#round}`;
  }
  get total(): number {
    return this.live.shown + this.#timeline.total;
  }
  /** How many of them are here. */
  get loaded(): number {
    return this.#timeline.slices.reduce((sum, { events }) => sum + (events?.length ?? 0), this.live.shown);
  }

  row(index: number): EventJson | null {
    return index < this.live.shown ? this.live.event(index) : this.#timeline.event(index - this.live.shown);
  }

  indexOf(eventId: string): number {
    const live = this.live.indexOf(eventId);
    if (live >= 0) return live;
    const index = this.#timeline.indexOf(eventId);
    return index < 0 ? -1 : index + this.live.shown;
  }

  /** Another snapshot: resolves when its first rows are here. Rejects never: what went wrong is `error`. */
  async start(filter: EventFilter & { since: number }): Promise<void> {
    this.#run.abort();
    this.#run = new AbortController();
    const { signal } = this.#run;
    this.live.stop();
    this.#loading.clear();
    this.#state = "loading";
    this.#isCounted = false;
    const histogram = this.#histogramOf(filter, signal);
    try {
      const page = await daybook.page({ question: filter, limit: FIRST }, { signal });
      if (signal.aborted) return;
      this.#filter = filter;
      this.#asOf = { ...(parsePosition(page.asOf.replaceAll(" ", "")) ?? {}) };
      this.#at = Date.now();
      this.live.reset();
      this.#counted = 0;
      this.#error = null;
      const whole: Slice = {
        after: before(filter.until ?? this.#at),
        since: filter.since,
        count: FIRST,
        isKnown: false,
        events: null,
      };
      this.#timeline = new Timeline([whole]).filled(whole, page.events, page.next === null);
      // A search that finds little answers pages that are short, or empty: what is left is looked for when it is due.
      if (page.events.length === 0 && page.next !== null)
        this.#timeline = new Timeline([{ ...whole, count: 1 }]);
      this.#state = "ready";
      void this.#spreadWhenThere(histogram, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#error = error;
      this.#state = "failed";
    }
    // What could not be read of another list leaves this one as it is, and rows of it still come.
    this.#look();
  }

  /** Null when there is none: rows are there without it, and there are as many as are found. */
  async #histogramOf(
    filter: EventFilter & { since: number },
    signal: AbortSignal,
  ): Promise<Histogram | null> {
    while (!signal.aborted) {
      try {
        return await turns.take(signal, () => histogramOf(filter, Date.now(), signal));
      } catch (error) {
        if (signal.aborted) break;
        this.#error = error;
        if (!mayPass(error)) break;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    return null;
  }

  async #spreadWhenThere(coming: Promise<Histogram | null>, signal: AbortSignal): Promise<void> {
    const histogram = await coming;
    if (signal.aborted) return;
    this.#isCounted = true;
    if (histogram === null) return;
    this.#histogram = histogram;
    this.#spread(histogram);
    this.#look();
  }

  /** While it is live: sums anew, if anything came since, and those before are there. */
  async count(): Promise<void> {
    const { signal } = this.#run;
    this.live.measure();
    if (this.live.received === this.#counted || !turns.isIdle) return;
    this.#counted = this.live.received;
    this.#round++;
    try {
      const filter = this.#filter;
      const histogram = await turns.take(signal, () => histogramOf(filter, Date.now(), signal));
      if (!signal.aborted) this.#histogram = histogram;
    } catch {
      // The next time will do.
    }
  }

  follow(): void {
    const { until: _, ...filter } = this.#filter;
    void this.live.start(filter, this.#asOf);
  }

  /** What is in view and not here is asked for. */
  #look(): void {
    this.need(this.#view.from, this.#view.to);
  }

  /** The rows from `from` to `to` (excluded) are in view. */
  need(from: number, to: number): void {
    this.#view = { from, to };
    clearTimeout(this.#timer);
    const fetchAll = () => {
      const top = this.live.shown;
      for (const found of this.#timeline.missing(from - top, to - top)) void this.#fetch(found, from - top);
    };
    // While the scrollbar is dragged, what only passes by is not fetched.
    if (this.#loading.size === 0) fetchAll();
    else this.#timer = setTimeout(fetchAll, SETTLE_MS);
  }

  async #fetch({ slice, start }: Found, from: number): Promise<void> {
    if (this.#loading.has(slice)) return;
    this.#loading.add(slice);
    const { signal } = this.#run;
    try {
      const isCut = !slice.isKnown && from - start > DEEP && slice.after.recordedAt - slice.since > SHORT_MS;
      const found = isCut ? await this.#cut(slice, signal) : await this.#read(slice, signal);
      if (signal.aborted) return;
      const top = this.#view.from - this.live.shown;
      const next = found(this.#timeline);
      const grown = next.total - this.#timeline.total;
      this.#timeline = next.lightened(top, KEPT);
      if (grown !== 0 && start + slice.count <= top) this.onShift(grown);
      if (this.#state !== "failed") this.#error = null;
    } catch (error) {
      if (signal.aborted) return;
      this.#error = error;
      // It is tried again for as long as it is looked at.
      if (mayPass(error)) this.#timer = setTimeout(() => this.#look(), RETRY_MS);
      return;
    } finally {
      this.#loading.delete(slice);
    }
    this.#look();
  }

  async #cut(slice: Slice, signal: AbortSignal): Promise<Change> {
    const { buckets, widthMs } = await histogramOf(
      { ...this.#filter, since: slice.since, until: slice.after.recordedAt },
      slice.after.recordedAt,
      signal,
    );
    if (buckets.length <= 1) return this.#read(slice, signal);
    return (timeline) => timeline.divided(slice, buckets, widthMs);
  }

  async #read(slice: Slice, signal: AbortSignal): Promise<Change> {
    const question = writeFilter({ ...this.#filter, since: slice.since });
    question.set("cursor", encodeCursor({ after: slice.after, asOf: this.#asOf as AsOf }));
    const limit = slice.isKnown ? Math.min(slice.count, 1000) : PAGE;
    let page = await daybook.page({ question, limit }, { signal });
    while (page.events.length === 0 && page.next !== null)
      page = await daybook.page({ next: page.next }, { signal });
    const isWhole = page.next === null || (slice.isKnown && page.events.length >= slice.count);
    return (timeline) => timeline.filled(slice, page.events, isWhole);
  }

  /** Gives the part that is not here yet the counts of the histogram. */
  #spread({ buckets, widthMs }: Histogram): void {
    const rest = this.#timeline.slices.find(({ events }) => events === null);
    if (rest === undefined) return;
    const first = Math.floor(rest.after.recordedAt / widthMs) * widthMs;
    const here = this.#timeline.slices
      .flatMap(({ events }) => events ?? [])
      .filter(({ recorded_at: at }) => Math.floor(Date.parse(at) / widthMs) * widthMs === first).length;
    const left = buckets.map((bucket) =>
      bucket.from === first ? { ...bucket, requests: Math.max(1, bucket.requests - here) } : bucket,
    );
    const slices = slicesOf(rest, left, widthMs);
    if (slices.length > 0) this.#timeline = this.#timeline.divided(rest, left, widthMs);
  }

  /**
   * Live events that are too many to keep: the snapshot takes them over, to be read again when they are looked at. Of
   * those, `more` were waiting to be shown.
   */
  #handOver(events: readonly EventJson[], more: number): void {
    const [newest, oldest] = [events[0], events.at(-1)];
    if (newest === undefined || oldest === undefined) return;
    for (const { node_id: nodeId, seq } of events)
      this.#asOf[nodeId] = Math.max(this.#asOf[nodeId] ?? 0, seq);
    const key = keyOf(newest);
    this.#timeline = this.#timeline.headed([
      {
        after: { ...key, seq: key.seq + 1 },
        since: Date.parse(oldest.recorded_at),
        count: events.length,
        isKnown: true,
        events: null,
      },
    ]);
    if (more > 0) this.onShift(more);
    this.#look();
  }

  stop(): void {
    this.#run.abort();
    this.live.stop();
    clearTimeout(this.#timer);
  }
}
