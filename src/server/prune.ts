// Retention by command: the same run as a server's.
import type { Config } from "../config/config.ts";
import { openOwnNode } from "../node/own-node.ts";
import { openReader } from "../read/reader.ts";
import type { PrunePlan } from "../stores/store.ts";
import { Retention, rulesOf } from "./retention.ts";

/** What retention would remove now. Records nothing and changes nothing. */
export async function planOnly(config: Config, now: number): Promise<PrunePlan> {
  const reader = await openReader(config.store, { lazy: true });
  try {
    return await reader.planPrune(rulesOf(config.audit, now, []));
  } finally {
    await reader.close();
  }
}

/** One run of retention; answers with what it removed. Rejects as Retention does. */
export async function pruneNow(config: Config, now: number): Promise<PrunePlan> {
  const reader = await openReader(config.store, { lazy: true });
  try {
    await using node = await openOwnNode(config);
    const { recorder, delivery, sealed } = node;
    return await new Retention({
      rules: () => rulesOf(config.audit, now, []),
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
