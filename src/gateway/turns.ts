// Whose turn it is to be asked. In a round every provider of a route is asked in order, those whose breaker is open
// last of all: a provider that seems dead is still better than none. Going on to the next one costs no wait; when
// all have failed, another round begins after a while, with those that may be asked again.
import type { IncomingHttpHeaders } from "node:http";
import { askedWaitMs, backoffMs, forbidsRetry, MAX_WAIT_MS } from "./retries.ts";
import type { Target } from "./routes.ts";

export interface TurnsOptions {
  readonly targets: readonly Target[];
  /** When no further try may begin; monotonic, ms. */
  readonly deadline: number;
  readonly now?: () => number;
  readonly random?: () => number;
}

export class Turns {
  readonly #deadline: number;
  readonly #now: () => number;
  readonly #random: () => number;
  /** Who may be asked in the next round, and after what wait; `asked`: because it said so. */
  readonly #again: { readonly target: Target; readonly waitMs: number; readonly asked: boolean }[] = [];
  #line: Target[];
  #round = 0;
  /** Before the next round; null: not known yet. */
  #waitMs: number | null = null;

  constructor({ targets, deadline, now = () => performance.now(), random = Math.random }: TurnsOptions) {
    this.#deadline = deadline;
    this.#now = now;
    this.#random = random;
    this.#line = [...targets];
  }

  /** The next provider of this round; null when all had their turn. Its breaker has been entered. */
  take(): Target | null {
    const well = this.#line.findIndex(({ provider }) => provider.breaker.enter());
    const [target = null] = this.#line.splice(Math.max(well, 0), 1);
    return target;
  }

  /** The provider failed; `headers` of its answer, or null when there was none. */
  failed(target: Target, headers: IncomingHttpHeaders | null): void {
    const { retry } = target.provider;
    if (this.#round >= retry.max || (headers !== null && forbidsRetry(headers))) return;
    const asked = headers === null ? null : askedWaitMs(headers, Date.now());
    const waitMs = asked ?? backoffMs(retry.waitMs, this.#round + 1, this.#random);
    if (waitMs > MAX_WAIT_MS) return;
    this.#again.push({ target, waitMs, asked: asked !== null });
    this.#waitMs = null;
  }

  /** Whether there is another try. */
  get more(): boolean {
    return this.#line.length > 0 || this.waitMs !== null;
  }

  /** How long to wait for the next round; null: there is none within the time limit. */
  get waitMs(): number | null {
    if (this.#again.length === 0) return null;
    this.#waitMs ??= Math.min(...this.#again.map(({ waitMs }) => waitMs));
    return this.#now() + this.#waitMs < this.#deadline ? this.#waitMs : null;
  }

  /** The wait is over: those who wanted no longer one are in line again. */
  nextRound(): void {
    const waited = this.#waitMs ?? 0;
    this.#line = this.#again
      .filter(({ waitMs, asked }) => !asked || waitMs <= waited)
      .map(({ target }) => target);
    this.#again.length = 0;
    this.#waitMs = null;
    this.#round++;
  }
}
