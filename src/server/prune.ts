// Retention by command: the same run as a server's.
import { filtersOf } from "../api/hold-filters.ts";
import type { Config } from "../config/config.ts";
import { openOwnNode } from "../node/own-node.ts";
import { openReader } from "../read/reader.ts";
import type { PrunePlan } from "../stores/removal.ts";
import { openHolds } from "./holds.ts";
import { Retention, rulesOf } from "./retention.ts";

/** What retention would remove now. Records nothing and changes nothing. */
export async function planOnly(config: Config, now: number): Promise<PrunePlan> {
  const reader = await openReader(config.store, { lazy: true });
  try {
    await using holds = await openHolds(config.home);
    return await reader.planPrune(rulesOf(config.audit, now, filtersOf(holds)));
  } finally {
    await reader.close();
  }
}

/** One run of retention; answers with what it removed. Rejects as Retention does. */
export async function pruneNow(config: Config, now: number): Promise<PrunePlan> {
  const reader = await openReader(config.store, { lazy: true });
  try {
    await using holds = await openHolds(config.home);
    await using node = await openOwnNode(config);
    const { recorder, delivery, sealed } = node;
    holds.follow(() => delivery.halt());
    return await new Retention({
      rules: () => rulesOf(config.audit, now, filtersOf(holds)),
      reader,
      recorder,
      delivery,
      sealed,
      report: () => {},
    }).run();
  } finally {
    await reader.close();
  }
}
