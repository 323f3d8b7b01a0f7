// The UTC day and month that a time falls in. Asked for every request, so the last answer is kept.

const DAY_MS = 86_400_000;

export interface Span {
  /** UTC ms, included. */
  readonly from: number;
  /** UTC ms, not included. */
  readonly to: number;
}

export function dayOf(now: number): Span {
  const from = Math.floor(now / DAY_MS) * DAY_MS;
  return { from, to: from + DAY_MS };
}

export function monthOf(now: number): Span {
  const date = new Date(now);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { from: Date.UTC(year, month), to: Date.UTC(year, month + 1) };
}

export class Calendar {
  #day: Span = { from: 0, to: 0 };
  #month: Span = { from: 0, to: 0 };

  day(now: number): Span {
    if (now < this.#day.from || now >= this.#day.to) this.#day = dayOf(now);
    return this.#day;
  }

  month(now: number): Span {
    if (now < this.#month.from || now >= this.#month.to) this.#month = monthOf(now);
    return this.#month;
  }
}
