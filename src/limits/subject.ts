// One key or user and what it uses: of the running minute, day and month, and what its running requests hold. Requests
// count from their admission; tokens and cost from their end, and until then as what they may come to at most.
import type { Calendar, Span } from "./calendar.ts";
import { LIMIT_NAMES, LIMITS, type LimitName, type Limits, type SubjectType } from "./limits.ts";
import { RollingMinute } from "./rolling-minute.ts";

/** What a request may come to at most. */
export interface Need {
  readonly tokens: number;
  readonly costMicros: number;
}

interface SetLimit {
  readonly name: LimitName;
  readonly limit: number;
  readonly of: (typeof LIMITS)[LimitName]["of"];
}

/** What was used up within a day or month. */
interface Spent {
  from: number;
  tokens: number;
  costMicros: number;
}

const MINUTE_MS = 60_000;

export class Subject {
  readonly type: SubjectType;
  readonly id: string;
  #limits!: Limits;
  #set!: readonly SetLimit[];
  readonly #calendar: Calendar;
  #running = 0;
  #heldTokens = 0;
  #heldMicros = 0;
  // Made with the first limit that needs them: a minute later they are as if they had been there before.
  #requests: RollingMinute | null = null;
  #tokens: RollingMinute | null = null;
  readonly #day: Spent = { from: 0, tokens: 0, costMicros: 0 };
  readonly #month: Spent = { from: 0, tokens: 0, costMicros: 0 };
  /** Limit and news → start of the window that it was told in. */
  readonly #told = new Map<string, number>();

  constructor(type: SubjectType, id: string, limits: Limits, calendar: Calendar) {
    this.type = type;
    this.id = id;
    this.limits = limits;
    this.#calendar = calendar;
  }

  get limits(): Limits {
    return this.#limits;
  }

  set limits(limits: Limits) {
    this.#limits = limits;
    this.#set = LIMIT_NAMES.flatMap((name) => {
      const limit = limits[name];
      return limit === null ? [] : [{ name, limit, of: LIMITS[name].of }];
    });
  }

  /** The limits that there are: most subjects have few, and every request asks. */
  get set(): readonly SetLimit[] {
    return this.#set;
  }

  /** What counts against a limit at `now`, but for what running requests hold. */
  used(name: LimitName, now: number): number {
    switch (name) {
      case "concurrent_requests":
        return this.#running;
      case "requests_per_minute":
        return this.#requests?.sum(now) ?? 0;
      case "tokens_per_minute":
        return this.#tokens?.sum(now) ?? 0;
      case "tokens_per_day":
        return this.#spent("day", now).tokens;
      case "tokens_per_month":
        return this.#spent("month", now).tokens;
      case "cost_micros_per_day":
        return this.#spent("day", now).costMicros;
      case "cost_micros_per_month":
        return this.#spent("month", now).costMicros;
    }
  }

  /** What running requests hold of a limit. */
  held(name: LimitName): number {
    const { of } = LIMITS[name];
    if (of === "tokens") return this.#heldTokens;
    return of === "cost" ? this.#heldMicros : 0;
  }

  begin(now: number, { tokens, costMicros }: Need): void {
    this.#running++;
    this.#heldTokens += tokens;
    this.#heldMicros += costMicros;
    if (this.#limits.requests_per_minute !== null) {
      this.#requests ??= new RollingMinute();
      this.#requests.add(now, 1);
    }
  }

  end(now: number, held: Need, used: Need): void {
    this.#running--;
    this.#heldTokens -= held.tokens;
    this.#heldMicros -= held.costMicros;
    if (used.tokens > 0 && this.#limits.tokens_per_minute !== null) {
      this.#tokens ??= new RollingMinute();
      this.#tokens.add(now, used.tokens);
    }
    this.restore("day", now, used);
    this.restore("month", now, used);
  }

  /** Adds what was used before, or is known from elsewhere, in the day or month of `now`. */
  restore(window: "day" | "month", now: number, { tokens, costMicros }: Need): void {
    const spent = this.#spent(window, now);
    spent.tokens = Math.min(spent.tokens + tokens, Number.MAX_SAFE_INTEGER);
    spent.costMicros = Math.min(spent.costMicros + costMicros, Number.MAX_SAFE_INTEGER);
  }

  /** Milliseconds until `amount` more of what the limit counts can be free; 0: as soon as a running request ends. */
  waitMs(name: LimitName, now: number, amount: number): number {
    const limit = this.limits[name] ?? 0;
    const over = this.used(name, now) + amount - limit;
    const { per } = LIMITS[name];
    if (per === "moment" || over <= 0) return 0;
    if (per === "day") return this.#calendar.day(now).to - now;
    if (per === "month") return this.#calendar.month(now).to - now;
    const minute = name === "requests_per_minute" ? this.#requests : this.#tokens;
    return minute?.waitMs(now, over) ?? 0;
  }

  /** Whether `news` of the limit were not told in the window of `now` or a later one; from now on they were. */
  tells(name: LimitName, news: string, now: number): boolean {
    const key = `${name} ${news}`;
    const { from } = this.#window(name, now);
    if ((this.#told.get(key) ?? -1) >= from) return false;
    this.#told.set(key, from);
    return true;
  }

  #window(name: LimitName, now: number): Span {
    const { per } = LIMITS[name];
    if (per === "day") return this.#calendar.day(now);
    if (per === "month") return this.#calendar.month(now);
    const from = Math.floor(now / MINUTE_MS) * MINUTE_MS;
    return { from, to: from + MINUTE_MS };
  }

  #spent(window: "day" | "month", now: number): Spent {
    const spent = window === "day" ? this.#day : this.#month;
    const { from } = window === "day" ? this.#calendar.day(now) : this.#calendar.month(now);
    // A clock that steps back over midnight goes on with the newer day: nothing that was spent is forgotten.
    if (from > spent.from) {
      spent.from = from;
      spent.tokens = 0;
      spent.costMicros = 0;
    }
    return spent;
  }
}
