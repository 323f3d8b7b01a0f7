// What keys and users have used of the running day and month before this process, and which news of their budgets have
// been told: from the store, and from the journal beyond it.
import { COLUMN, type Row } from "../event/fields.ts";
import { dayOf, monthOf } from "../limits/calendar.ts";
import type { Limiter } from "../limits/limiter.ts";
import { BUDGETS, type LimitName, type SubjectType } from "../limits/limits.ts";
import type { Reader } from "../read/reader.ts";
import type { Position } from "../stores/store.ts";

type Sources = Pick<Reader, "positions" | "usage" | "query">;

const WINDOWS = { day: dayOf, month: monthOf } as const;
const SUBJECTS = { api_key: "api_key_id", user: "user_id" } as const;
/** Readings that events came in between are taken again, so often; then what came counts twice rather than not. */
const READINGS = 5;
const PAGE = 1000;

export class Budgets {
  readonly #limiter: Limiter;
  readonly #now: number;
  #storedSeq = 0;

  constructor(limiter: Limiter, now: number) {
    this.#limiter = limiter;
    this.#now = now;
  }

  /** Counts what the store has, and answers where it was then. */
  async takeStored(reader: Sources, nodeId: string): Promise<Position | null> {
    const { position, used } = await this.#read(reader, nodeId);
    this.#storedSeq = position?.seq ?? 0;
    for (const { type, window, subject, tokens, costMicros } of used)
      this.#limiter.subject(type, subject).restore(window, this.#now, { tokens, costMicros });
    // A long search, and no harm done where it comes late: news are then told once more.
    if (this.#limiter.hasBudgets) void this.#takeNews(reader).catch(() => {});
    return position;
  }

  /** Counts an event of this node that the store may not have. */
  takeUnshipped(row: Row): void {
    if (Number(row[COLUMN.seq]) <= this.#storedSeq) return;
    const at = Number(row[COLUMN.recorded_at]);
    const used = { tokens: number(row[COLUMN.total_tokens]), costMicros: number(row[COLUMN.cost_micros]) };
    for (const type of ["api_key", "user"] as const) {
      const subject = row[COLUMN[SUBJECTS[type]]];
      if (typeof subject !== "string") continue;
      for (const window of ["day", "month"] as const)
        if (at >= WINDOWS[window](this.#now).from)
          this.#limiter.subject(type, subject).restore(window, this.#now, used);
    }
    if (row[COLUMN.kind] === "quota") this.#told(row);
  }

  async #read(reader: Sources, nodeId: string) {
    const of = (positions: readonly Position[]) =>
      positions.find((position) => position.nodeId === nodeId) ?? null;
    for (let reading = 1; ; reading++) {
      const position = of(await reader.positions());
      const used = [];
      for (const type of ["api_key", "user"] as const)
        for (const window of ["day", "month"] as const) {
          const since = WINDOWS[window](this.#now).from;
          const sums = await reader.usage({ by: SUBJECTS[type], since });
          for (const { subject, totalTokens, costMicros } of sums)
            used.push({ type, window, subject, tokens: totalTokens, costMicros });
        }
      if (reading === READINGS || of(await reader.positions())?.seq === position?.seq)
        return { position, used };
    }
  }

  async #takeNews(reader: Sources): Promise<void> {
    const since = monthOf(this.#now).from;
    const query = { where: { kind: ["quota"], name: BUDGETS }, since, limit: PAGE };
    let page = await reader.query(query);
    for (;;) {
      for (const { api_key_id, user_id, action, name, recorded_at } of page.events) {
        const type = api_key_id === null ? "user" : "api_key";
        this.#tell(type, api_key_id ?? user_id, name, action, recorded_at);
      }
      if (page.next === null) return;
      page = await reader.query({ ...query, after: page.next });
    }
  }

  #told(row: Row): void {
    const key = row[COLUMN.api_key_id] ?? null;
    const [type, id] = key === null ? (["user", row[COLUMN.user_id]] as const) : (["api_key", key] as const);
    this.#tell(type, id, row[COLUMN.name], row[COLUMN.action], Number(row[COLUMN.recorded_at]));
  }

  #tell(type: SubjectType, id: unknown, name: unknown, action: unknown, at: number): void {
    if (typeof id !== "string" || !BUDGETS.includes(name as LimitName)) return;
    const is = action === "near_limit" ? "near" : "reached";
    this.#limiter.subject(type, id).tells(name as LimitName, is, at);
  }
}

function number(cell: unknown): number {
  return typeof cell === "number" ? cell : 0;
}
