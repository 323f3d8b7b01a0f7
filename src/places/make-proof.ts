// Makes proofs and bundles (docs/evidence.md) out of a store.
import { DaybookError } from "../event/errors.ts";
import { COLUMN } from "../event/fields.ts";
import { leafParts } from "../event/leaf.ts";
import { BUNDLE_FORMAT, type BundleLine, tileLine } from "../evidence/bundle.ts";
import type { LeafSource } from "../evidence/event-leaf.ts";
import { nodeHash } from "../evidence/merkle.ts";
import type { ProofFile } from "../evidence/proof-file.ts";
import { inclusionProof } from "../evidence/proofs.ts";
import { nodesIn, TILE_WIDTH, TileMissing, tilesBetween } from "../evidence/tiles.ts";
import type { SealedLog, Store } from "../stores/store.ts";

const PART = 1000;

/** Rejects with `bad_argument` when there is no such event, or no checkpoint covers it yet. */
type Proving = Pick<Store, "leafSource" | "seals" | "tile">;

export async function proofOf(store: Proving, eventId: string): Promise<ProofFile> {
  const event = await store.leafSource(eventId);
  if (event === null) throw new DaybookError("bad_argument", "The store has no such event.");
  const [nodeId, seq] = [String(event.row[COLUMN.node_id]), Number(event.row[COLUMN.seq])];
  const log = (await store.seals()).find((sealed) => sealed.nodeId === nodeId);
  const checkpoint = log?.checkpoints.at(-1);
  if (log === undefined || log.keys === null || checkpoint === undefined || checkpoint.size < seq)
    throw new DaybookError("bad_argument", "The event is not sealed yet: try again in a second or two.");
  const path = await pathIn(store, log, seq - 1, checkpoint.size);
  return {
    format: "daybook-proof/1",
    event: leafParts(event) as LeafSource,
    path: path.map((hash) => Buffer.from(hash).toString("hex")),
    checkpoint: checkpoint.note,
    keys: log.keys,
  };
}

/** A path needs, of each level, the tile that it goes through and the last one. */
async function pathIn(
  store: Pick<Store, "tile">,
  { nodeId }: SealedLog,
  index: number,
  size: number,
): Promise<Uint8Array[]> {
  const tiles = new Map<string, Uint8Array>();
  for (let level = 0, [at, last] = [index, size - 1]; level === 0 || last > 0; level++) {
    [at, last] = [Math.floor(at / TILE_WIDTH), Math.floor(last / TILE_WIDTH)];
    for (const number of new Set([at, last])) {
      const tile = await store.tile(nodeId, level, number);
      if (tile !== null) tiles.set(`${level}/${number}`, tile);
    }
  }
  try {
    const read = nodesIn((level, number) => tiles.get(`${level}/${number}`) ?? null, nodeHash);
    return inclusionProof(index, size, read, nodeHash);
  } catch (error) {
    if (!(error instanceof TileMissing)) throw error;
    throw new DaybookError("bad_argument", "A tile of the event's log is missing: run daybook verify.");
  }
}

/** The lines of a bundle of all that the store has. Rejects with `bad_argument` when retention began meanwhile. */
export async function* bundleOf(store: Store, now: number): AsyncGenerator<string> {
  const written = (line: BundleLine) => `${JSON.stringify(line)}\n`;
  yield written({ format: BUNDLE_FORMAT, made_at: now });
  const sealed = await store.seals();
  const positions = await store.positions();
  for (const { nodeId, seq, root } of positions) {
    const { keys = null, checkpoints = [] } = sealed.find((log) => log.nodeId === nodeId) ?? {};
    const notes = checkpoints.map(({ note }) => note);
    yield written({ log: { node_id: nodeId, keys, checkpoints: notes, end: { seq, root } } });
    for (const { level, index } of tilesBetween(0, checkpoints.at(-1)?.size ?? 0)) {
      const hashes = await store.tile(nodeId, level, index);
      if (hashes !== null) yield written(tileLine(nodeId, level, index, hashes));
    }
  }
  const upTo = new Map(positions.map(({ nodeId, seq }) => [nodeId, seq]));
  const told: { readonly nodeId: string; readonly seq: number }[] = [];
  for (let after: number | null | undefined; after !== null; ) {
    const { events, next } = await store.scan(after ?? null, PART);
    for (const event of events) {
      // What came meanwhile is beyond the end that the bundle names.
      const { [COLUMN.node_id]: node, [COLUMN.seq]: seq, [COLUMN.action]: action } = event.row;
      if (action === "pruned") told.push({ nodeId: String(node), seq: Number(seq) });
      if (Number(seq) <= (upTo.get(String(node)) ?? 0))
        yield written({ event: leafParts(event) as LeafSource });
    }
    after = next;
  }
  // Events go once what tells of it is sealed: was that after the bundle was begun, some that it names are not in it.
  const [first, last] = [sizesOf(sealed), sizesOf(await store.seals())];
  const isLate = told.some(
    ({ nodeId, seq }) => seq > (first.get(nodeId) ?? 0) && seq <= (last.get(nodeId) ?? 0),
  );
  if (isLate) throw new DaybookError("bad_argument", "Retention began meanwhile: make the bundle again.");
}

function sizesOf(logs: readonly SealedLog[]): Map<string, number> {
  return new Map(logs.map(({ nodeId, checkpoints }) => [nodeId, checkpoints.at(-1)?.size ?? 0]));
}
