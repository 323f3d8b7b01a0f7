// What the configuration was when it was last recorded, so that the trail can tell what differs. It is kept as its
// options with the secrets as marks (config/effective.ts).
import type { Actor, Values } from "./change.ts";
import type { Change, Control, Reads } from "./control.ts";

/** Option → value. */
export type KeptOptions = Readonly<Record<string, string | number | boolean>>;

export interface ConfigurationDifference {
  readonly oldValues: Values;
  readonly newValues: Values;
}

const SETTING = "configuration";
const ENTRY = { action: "configuration_changed", entityType: "configuration" } as const;

/**
 * Records that the configuration is `now`; `difference` tells it from what was kept, and null when nothing differs:
 * then nothing is recorded either. `source` is where it comes from. Answers whether there was a difference.
 */
export async function recordConfiguration(
  control: Control,
  actor: Actor,
  source: string,
  now: KeptOptions,
  difference: (kept: KeptOptions) => ConfigurationDifference | null,
): Promise<boolean> {
  const kept = await keptOptions(control.reads);
  if (difference(kept) === null) return false;
  const made = await control.change(actor, ENTRY, async (change) => {
    // Another process may have recorded it meanwhile.
    const told = difference(await keptOptions(change));
    if (told === null) return null;
    await keepOptions(change, now);
    return { entityId: source, ...told };
  });
  return made !== null;
}

/** Keeps `now` in a change that is about something else. */
export async function keepOptions(change: Change, now: KeptOptions): Promise<void> {
  const value = JSON.stringify(now);
  await change
    .insertInto("settings")
    .values({ name: SETTING, value })
    .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
    .execute();
}

async function keptOptions(reads: Reads): Promise<KeptOptions> {
  const row = await reads
    .selectFrom("settings")
    .select("value")
    .where("name", "=", SETTING)
    .executeTakeFirst();
  return row === undefined ? {} : (JSON.parse(row.value) as KeptOptions);
}
