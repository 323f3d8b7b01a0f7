// Whether a provider is well, by how its last tries went.
//
//   closed ──so many failures in a row──► open ──the rest is over──► half open: one try is let through
//     ▲                                    ▲                            │
//     │                                    └────────it failed───────────┤
//     └─────────────────────────────it was answered─────────────────────┘

export interface BreakerOptions {
  /** Failures in a row that open it; 0: it never opens. */
  readonly failures: number;
  /** How long it stays open at first; twice as long after each trial that fails. */
  readonly restMs: number;
}

export type BreakerState = "closed" | "open" | "half_open";

/** The rest grows no longer than this. */
const MAX_REST_MS = 300_000;

export class Breaker {
  readonly #options: BreakerOptions;
  readonly #now: () => number;
  #failures = 0;
  /** Rests in a row. */
  #rests = 0;
  #openUntil = 0;
  #trial = false;

  /** `now`: monotonic, ms. */
  constructor(options: BreakerOptions, now: () => number = () => performance.now()) {
    this.#options = options;
    this.#now = now;
  }

  get state(): BreakerState {
    if (this.#rests === 0) return "closed";
    return this.#now() < this.#openUntil ? "open" : "half_open";
  }

  /** Failures since the last answer. */
  get failures(): number {
    return this.#failures;
  }

  /** Until the next trial; 0 unless open. */
  get restMs(): number {
    return this.state === "open" ? Math.ceil(this.#openUntil - this.#now()) : 0;
  }

  /** Whether a request may be sent now. Half open: to the first that asks, until `succeeded`, `failed` or `gaveUp`. */
  enter(): boolean {
    const { state } = this;
    if (state === "closed") return true;
    if (state === "open" || this.#trial) return false;
    this.#trial = true;
    return true;
  }

  /** The provider answered, with whatever is not a failure of its own. */
  succeeded(): void {
    this.#failures = 0;
    this.#rests = 0;
    this.#trial = false;
  }

  failed(): void {
    const { failures, restMs } = this.#options;
    this.#failures++;
    const isTrial = this.#rests > 0;
    this.#trial = false;
    if (failures === 0 || (!isTrial && this.#failures < failures)) return;
    // What was sent before it opened, and fails now, prolongs nothing.
    if (this.state === "open") return;
    this.#openUntil = this.#now() + Math.min(restMs * 2 ** this.#rests, MAX_REST_MS);
    this.#rests++;
  }

  /** The try ended and says nothing of the provider: the client left. */
  gaveUp(): void {
    this.#trial = false;
  }
}
