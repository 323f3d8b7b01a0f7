// Sums over groups of events, as statsSql (select.ts) gives them.
import type { Stats } from "../store.ts";
import type { SqlValue } from "./columns.ts";
import type { Dictionary } from "./dictionary.ts";

/** Every sum stops at MAX_SAFE_INTEGER, as every number of an event does. */
export function sumOf(groups: readonly (readonly SqlValue[])[], dictionary: Dictionary): Stats {
  const byStatus = new Map<string, number>();
  const byBackend = new Map<string, number>();
  const models = new Set<number>();
  const sums = [0, 0, 0, 0];
  for (const [status, backend, model, ...totals] of groups) {
    const count = Number(totals[0]);
    if (typeof status === "number") addTo(byStatus, dictionary.word(status), count);
    if (typeof backend === "number") addTo(byBackend, dictionary.word(backend), count);
    if (typeof model === "number") models.add(model);
    for (const [index, total] of totals.entries()) sums[index] = clampedSum(sums[index], Number(total));
  }
  const [totalRequests = 0, promptTokens = 0, completionTokens = 0, totalTokens = 0] = sums;
  return {
    totalRequests,
    byStatus: Object.fromEntries(byStatus),
    byBackend: Object.fromEntries(byBackend),
    uniqueModels: models.size,
    promptTokens,
    completionTokens,
    totalTokens,
  };
}

function addTo(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, clampedSum(sums.get(key), value));
}

function clampedSum(sum: number | undefined, value: number): number {
  return Math.min((sum ?? 0) + value, Number.MAX_SAFE_INTEGER);
}
