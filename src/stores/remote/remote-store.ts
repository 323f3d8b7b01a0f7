// Another Daybook as the store: events go there as batches (stores/ingest-lines.ts), exactly once, since it moves the
// node's position by compare-and-swap as every store does. It is read there, and not from here.
import { DaybookError } from "../../event/errors.ts";
import { batchLines, sealLines } from "../ingest-lines.ts";
import type { Appended, Batch, Position, Seal, SealedLog, Store } from "../store.ts";
import { type Remote, remoteAt } from "./remote.ts";

interface NodeJson {
  readonly node_id: string;
  readonly seq: number;
  readonly root: string;
  readonly sealed_size: number;
}

/** `address`: `https://ingest:TOKEN@host/path`. Throws `store_unusable`; nothing is asked yet. */
export function openRemoteStore(address: string): Store {
  const remote = remoteAt(address);
  const unread = () => Promise.reject(new DaybookError("remote_store", remote.shown));
  return {
    capabilities: { concurrentReaders: false },
    append: (batch) => append(remote, batch),
    // What was acknowledged is durable there.
    checkpoint: async () => {},
    positions: async () =>
      (await nodes(remote)).map(({ node_id: nodeId, seq, root }) => ({ nodeId, seq, root })),
    seal: (seal) => sealThere(remote, seal),
    seals: async () => (await nodes(remote)).map(sealedLog),
    health: async () => void (await nodes(remote)),
    // It sums what it is charged itself.
    restoreCharges: async () => {},
    close: async () => {},
    charges: unread,
    query: unread,
    rows: unread,
    get: unread,
    leafSource: unread,
    scan: unread,
    follow: unread,
    tile: unread,
    stats: unread,
    histogram: unread,
    facets: unread,
    groups: unread,
    usage: unread,
    activity: unread,
    planPrune: unread,
    prune: unread,
    backup: unread,
    traces: unread,
    erase: unread,
  };
}

async function append(remote: Remote, batch: Batch): Promise<Appended> {
  const answer = await remote.ask("POST", "ingest/events", batchLines(batch));
  const { result, at } = answer as { result: Appended["result"]; at: Omit<Position, "nodeId"> | null };
  if (result === "appended") return { result };
  return { result, at: at && { nodeId: batch.nodeId, seq: at.seq, root: at.root } };
}

async function sealThere(remote: Remote, seal: Seal): Promise<void> {
  await remote.ask("POST", "ingest/seals", sealLines(seal));
}

async function nodes(remote: Remote): Promise<readonly NodeJson[]> {
  return (await remote.ask("GET", "ingest/nodes")) as readonly NodeJson[];
}

/** As much as a shipper asks: how far the log is sealed there. */
function sealedLog({ node_id: nodeId, sealed_size: size }: NodeJson): SealedLog {
  return { nodeId, keys: null, checkpoints: size === 0 ? [] : [{ size, at: 0, note: "" }] };
}
