// How much of something there was within the last minute, second by second. A second is forgotten when all of it is
// over a minute old, so no span of sixty seconds ever holds more than the sum says.

/** The second that is running, and the sixty before it. */
const SECONDS = 61;

export class RollingMinute {
  readonly #counts = new Float64Array(SECONDS);
  #sum = 0;
  /** The newest second that is counted in. */
  #newest = 0;

  /** What counts at `now` (UTC ms). */
  sum(now: number): number {
    this.#moveTo(now);
    return this.#sum;
  }

  add(now: number, amount: number): void {
    this.#moveTo(now);
    const at = this.#newest % SECONDS;
    this.#counts[at] = (this.#counts[at] ?? 0) + amount;
    this.#sum += amount;
  }

  /** Milliseconds from `now` until `amount` of what counts is forgotten; until all of it, where that is less. */
  waitMs(now: number, amount: number): number {
    this.#moveTo(now);
    let freed = 0;
    let waitMs = 0;
    for (let second = Math.max(0, this.#newest - SECONDS + 1); second <= this.#newest; second++) {
      const count = this.#counts[second % SECONDS] ?? 0;
      if (count === 0) continue;
      waitMs = (second + SECONDS) * 1000 - now;
      freed += count;
      if (freed >= amount) break;
    }
    return Math.max(0, waitMs);
  }

  /** A clock that steps back finds the newest second still running. */
  #moveTo(now: number): void {
    const second = Math.floor(now / 1000);
    if (second <= this.#newest) return;
    if (second - this.#newest >= SECONDS) {
      this.#counts.fill(0);
      this.#sum = 0;
    } else {
      for (let passed = this.#newest + 1; passed <= second; passed++) {
        this.#sum -= this.#counts[passed % SECONDS] ?? 0;
        this.#counts[passed % SECONDS] = 0;
      }
    }
    this.#newest = second;
  }
}
