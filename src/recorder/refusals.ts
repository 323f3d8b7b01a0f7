// Refusals of requests that nobody is known to have made: anybody can make as many as they like. Each source has so
// many events of its own in a minute; what it does beyond that is counted, in one event for each sort of refusal,
// which ends with the minute. Sources are many, so only so many are told apart; all others share what one may do.
// A crash loses the count of a minute that has not ended: what is left is an interrupted event.
import type { Facts, Kind } from "../event/fields.ts";
import type { Outcome } from "../event/outcomes.ts";
import type { Handle } from "./handle.ts";
import type { Recorder } from "./recorder.ts";

export interface RefusalsOptions {
  readonly recorder: Pick<Recorder, "begin">;
  /** Events of its own that a source has in a window. */
  readonly singly?: number;
  readonly windowMs?: number;
  readonly maxSources?: number;
  /** Monotonic, ms. */
  readonly now?: () => number;
}

export type RefusedFacts = Facts & { kind: Kind; action: string };

interface Source {
  /** Monotonic, ms. */
  readonly endsAt: number;
  singles: number;
  /** By what was refused and why. */
  readonly counted: Map<string, { readonly handle: Handle; readonly outcome: Outcome }>;
}

/** Of one source: an attacker who varies what it asks for must not fill memory. All others differ by code alone. */
const MAX_SORTS = 32;
const OTHERS = "others";

export class Refusals {
  readonly #recorder: Pick<Recorder, "begin">;
  readonly #singly: number;
  readonly #windowMs: number;
  readonly #maxSources: number;
  readonly #now: () => number;
  readonly #sources = new Map<string, Source>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: RefusalsOptions) {
    const { recorder, singly = 60, windowMs = 60_000, maxSources = 1000 } = options;
    this.#recorder = recorder;
    this.#singly = singly;
    this.#windowMs = windowMs;
    this.#maxSources = maxSources;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Whether the refusal has been counted; else it is to have an event of its own. */
  count(facts: RefusedFacts, outcome: Outcome): boolean {
    const { name, source } = this.#sourceOf(facts.clientIp ?? null);
    if (source.singles < this.#singly) {
      source.singles++;
      return false;
    }
    const { kind, action, method, endpoint } = facts;
    const { errorCode, errorType } = outcome;
    const sort = [kind, action, errorCode, errorType, method, endpoint].join(" ");
    const known = source.counted.has(sort) || source.counted.size < MAX_SORTS;
    const key = known ? sort : `${kind} ${action} ${errorCode}`;
    if (source.counted.get(key)?.handle.again()) return true;
    const clientIp = name === OTHERS ? null : name;
    const about = known ? { method, endpoint } : {};
    const handle = this.#recorder.begin({ kind, action, clientIp, caller: "http", ...about });
    source.counted.set(key, { handle, outcome: known ? outcome : { ...outcome, errorType: null } });
    return true;
  }

  /** Ends what is being counted. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const source of this.#sources.values()) finish(source);
    this.#sources.clear();
  }

  #sourceOf(clientIp: string | null): { readonly name: string; readonly source: Source } {
    const now = this.#now();
    this.#sweep(now);
    const known = clientIp !== null && (this.#sources.has(clientIp) || this.#sources.size < this.#maxSources);
    const name = known ? clientIp : OTHERS;
    let source = this.#sources.get(name);
    if (source === undefined) {
      source = { endsAt: now + this.#windowMs, singles: 0, counted: new Map() };
      this.#sources.set(name, source);
      this.#wait(now);
    }
    return { name, source };
  }

  /** Ends the windows that are over. The oldest is the first. */
  #sweep(now: number): void {
    for (const [name, source] of this.#sources) {
      if (source.endsAt > now) return;
      this.#sources.delete(name);
      finish(source);
    }
  }

  #wait(now: number): void {
    const [first] = this.#sources.values();
    if (this.#timer !== null || first === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#sweep(this.#now());
        this.#wait(this.#now());
      },
      Math.max(1, first.endsAt - now),
    ).unref();
  }
}

function finish({ counted }: Source): void {
  for (const { handle, outcome } of counted.values()) if (handle.state === "open") handle.finish(outcome);
}
