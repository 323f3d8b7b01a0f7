// What retention has said so far, and how much of what it named is there all the same: what was held since, or was not
// come to. The next plan says so.
import { KINDS } from "../../event/fields.ts";
import { inForce, type Pruned, parsePruned, type Told } from "../../event/pruned.ts";
import type { ToldSoFar } from "../removal.ts";
import type { Source } from "./collect.ts";
import { among } from "./select.ts";

/** Shapes of a kind that retention may remove: without what tells of its removals a gap would look like a theft. */
export const REMOVABLE = "kind = ? AND action IS NOT 'pruned'";
const TELLING = "kind = 'system' AND action = 'pruned'";

export function toldSoFar(source: Source): ToldSoFar[] {
  const telling = among("shape", source.findTuples("shapes", TELLING, []));
  const rows = source.all(
    `SELECT lower(hex(node_id)), seq, metadata FROM events INDEXED BY events_time WHERE ${telling.sql}`,
    telling.params,
  ) as [string, number, string | null][];
  const all = rows.flatMap(([by, seq, metadata]): Told[] => {
    const said = parsePruned(metadata);
    return said === null ? [] : [{ ...said, by, seq }];
  });
  const told = [...Map.groupBy(all, ({ nodeId }) => nodeId).values()].flatMap((ofLog) => inForce(ofLog));
  const counts = present(source, told);
  return told.map((each, index) => ({ ...each, left: Math.max(0, (counts[index] ?? 0) - each.held) }));
}

type About = Pick<Pruned, "nodeId" | "from" | "to" | "before">;

/** Of each, how many events are there of its log and kinds, as old and between its seqs. */
export function present(source: Source, all: readonly About[]): number[] {
  const counts = all.map(() => 0);
  for (const kind of KINDS) {
    const shapes = among("shape", source.findTuples("shapes", REMOVABLE, [kind]));
    const byTime = Map.groupBy(all.entries(), ([, { before }]) => before[kind] ?? 0);
    byTime.delete(0);
    for (const [time, ofTime] of byTime) {
      const byLog = Map.groupBy(ofTime, ([, { nodeId }]) => nodeId);
      const rows = source.each(
        `SELECT lower(hex(node_id)), seq FROM events INDEXED BY events_time WHERE recorded_at < ? AND ${shapes.sql}`,
        [time, ...shapes.params],
      ) as Iterable<[string, number]>;
      for (const [nodeId, seq] of rows)
        for (const [index, { from, to }] of byLog.get(nodeId) ?? [])
          if (seq >= from && seq <= to) counts[index] = (counts[index] ?? 0) + 1;
    }
  }
  return counts;
}
