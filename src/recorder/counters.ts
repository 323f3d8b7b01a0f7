// The conservation law, kept by kind and weighted by `count`: begun = recorded + dropped + in flight. Drops are also
// kept as totals of the node's whole life, in a small file that survives a kill, until gap events have told of them.
import { KINDS, type Kind } from "../event/fields.ts";

/** `queue_full`: there was no room; `not_drained`: the journal did not take it before the end. */
const DROP_REASONS = ["queue_full", "not_drained"] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** `<kind>_<reason>` → events dropped. */
export type DropTotals = Readonly<Record<string, number>>;

export interface KindCounts {
  begun: number;
  recorded: number;
  readonly dropped: Record<DropReason, number>;
}

export interface CountersOptions {
  /** Of the node's life before this process, and how much of it gap events have told. */
  readonly totals: DropTotals;
  readonly told: DropTotals;
  /** Called when the totals have changed. */
  readonly onDrop: (totals: DropTotals) => void;
}

export class Counters {
  readonly byKind: Readonly<Record<Kind, KindCounts>>;
  /** Values that did not fit their field and became null, were cut or clamped. */
  readonly misfits = { count: 0 };
  readonly #onDrop: (totals: DropTotals) => void;
  readonly #totals: Record<string, number>;
  #told: DropTotals;

  constructor({ totals, told, onDrop }: CountersOptions) {
    const none = (): KindCounts => ({ begun: 0, recorded: 0, dropped: { queue_full: 0, not_drained: 0 } });
    this.byKind = Object.fromEntries(KINDS.map((kind) => [kind, none()])) as Record<Kind, KindCounts>;
    // The file of totals may be older than the journal that says what was told.
    this.#totals = { ...totals };
    for (const [key, count] of Object.entries(told))
      this.#totals[key] = Math.max(count, this.#totals[key] ?? 0);
    this.#told = told;
    this.#onDrop = onDrop;
  }

  drop(kind: Kind, reason: DropReason, count: number): void {
    this.byKind[kind].dropped[reason] += count;
    const key = `${kind}_${reason}`;
    this.#totals[key] = (this.#totals[key] ?? 0) + count;
    this.#onDrop(this.#totals);
  }

  /** What no gap event tells of yet, and the totals that are told when one does; null: nothing. */
  takeUntold(): { readonly untold: Record<string, number>; readonly told: DropTotals } | null {
    const untold = Object.entries(this.#totals)
      .map(([key, total]) => [key, total - (this.#told[key] ?? 0)] as const)
      .filter(([, count]) => count > 0);
    if (untold.length === 0) return null;
    this.#told = { ...this.#totals };
    return { untold: Object.fromEntries(untold), told: this.#told };
  }
}
