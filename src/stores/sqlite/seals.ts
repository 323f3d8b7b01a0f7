// What shows that the events are what was recorded, by node: tiles of the Merkle log, checkpoints and public keys. No
// deletion of events touches them.
import type { DatabaseSync } from "node:sqlite";
import type { Seal, SealedLog } from "../store.ts";

/** Tiles are rows with a rowid: their 8 KiB would burden a b-tree of keys. */
export const SEALS = `
CREATE TABLE tiles (
  node_id TEXT NOT NULL,
  level INTEGER NOT NULL,
  number INTEGER NOT NULL,
  hashes BLOB NOT NULL,
  UNIQUE (node_id, level, number)
) STRICT;
CREATE TABLE checkpoints (
  node_id TEXT NOT NULL,
  hour INTEGER NOT NULL,
  size INTEGER NOT NULL,
  at INTEGER NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (node_id, hour)
) STRICT, WITHOUT ROWID;
CREATE TABLE signing_keys (node_id TEXT PRIMARY KEY, chain TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

export const TILE = "SELECT hashes FROM tiles WHERE node_id = ? AND level = ? AND number = ?";
const ADD_TILE = `INSERT INTO tiles (node_id, level, number, hashes) VALUES (?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET hashes = excluded.hashes WHERE length(excluded.hashes) > length(hashes)`;
const ADD_CHECKPOINT = `INSERT INTO checkpoints (node_id, hour, size, at, note) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET size = excluded.size, at = excluded.at, note = excluded.note
  WHERE (excluded.size, excluded.at) > (size, at)`;
const ADD_KEYS = `INSERT INTO signing_keys (node_id, chain) VALUES (?, ?)
  ON CONFLICT DO UPDATE SET chain = excluded.chain`;
/** Also where somebody has written numbers that cannot be read. */
const CHECKPOINTS = `SELECT node_id, min(size, ${Number.MAX_SAFE_INTEGER}) AS size, min(at, ${Number.MAX_SAFE_INTEGER}) AS at, note
  FROM checkpoints ORDER BY node_id, size, at`;

const HOUR_MS = 3_600_000;

type Prepared = Pick<DatabaseSync, "prepare">;

/** Within one transaction. */
export function addSeal(db: Prepared, { nodeId, tiles, checkpoint, keys }: Seal): void {
  const add = db.prepare(ADD_TILE);
  for (const { level, index, hashes } of tiles) add.run(nodeId, level, index, hashes);
  if (checkpoint !== null) {
    const { size, at, note } = checkpoint;
    db.prepare(ADD_CHECKPOINT).run(nodeId, Math.floor(at / HOUR_MS), size, at, note);
  }
  if (keys !== null) db.prepare(ADD_KEYS).run(nodeId, keys);
}

/** Within one snapshot. */
export function readSeals(db: Prepared): SealedLog[] {
  const rows = db.prepare(CHECKPOINTS).all() as { node_id: string; size: number; at: number; note: string }[];
  const chains = db.prepare("SELECT node_id, chain FROM signing_keys").all() as {
    node_id: string;
    chain: string;
  }[];
  const keys = new Map(chains.map(({ node_id, chain }) => [node_id, chain]));
  const nodes = [...new Set([...rows, ...chains].map(({ node_id }) => node_id))].sort();
  return nodes.map((nodeId) => ({
    nodeId,
    keys: keys.get(nodeId) ?? null,
    checkpoints: rows
      .filter(({ node_id }) => node_id === nodeId)
      .map(({ size, at, note }) => ({ size, at, note })),
  }));
}
