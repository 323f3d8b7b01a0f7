// How far the store that `daybook log` reads is behind the journals of the data folder.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { realFiles } from "../journal/files.ts";
import { newestCommit } from "../journal/newest.ts";
import { openStore } from "../stores/open-store.ts";

/** Events that are recorded but not in the store yet; null when there are none, or they are newer than 100 ms. */
export type Lag = (home: string, store: string, now: number) => Promise<{ readonly events: number } | null>;

const FRESH_MS = 100;

export const lag: Lag = async (home, address, now) => {
  const nodes = join(home, "nodes");
  if (!existsSync(nodes)) return null;
  const store = await openStore(address, "read");
  try {
    const positions = new Map((await store.positions()).map(({ nodeId, seq }) => [nodeId, seq]));
    let events = 0;
    for (const slot of readdirSync(nodes)) {
      const identity = join(nodes, slot, "node.json");
      if (!existsSync(identity)) continue;
      const { node_id: nodeId } = JSON.parse(readFileSync(identity, "utf8")) as { node_id: string };
      const newest = newestCommit(realFiles, join(nodes, slot, "journal"));
      if (newest !== null && now - newest.at > FRESH_MS)
        events += newest.lastSeq - (positions.get(nodeId) ?? 0);
    }
    return events > 0 ? { events } : null;
  } finally {
    await store.close();
  }
};
