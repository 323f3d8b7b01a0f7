// What users' events have cost, by node: sums of their own that no deletion of events touches. They are as far as the
// node's position, or further where they came from a copy (`charged`): then events up to there are not counted again.
import type { DatabaseSync } from "node:sqlite";
import { COLUMN } from "../../event/fields.ts";
import type { Batch, Charges } from "../store.ts";

const CHARGED = "SELECT seq FROM charged WHERE node_id = ?";
const ADD = `INSERT INTO charges (node_id, user_id, cost_micros) VALUES (?, ?, ?)
  ON CONFLICT DO UPDATE SET cost_micros = min(cost_micros + excluded.cost_micros, ${Number.MAX_SAFE_INTEGER})`;
const SUMS = "SELECT node_id, user_id, cost_micros FROM charges ORDER BY node_id, user_id";
const UP_TO = `SELECT node_id, max(seq) AS seq FROM (SELECT node_id, seq FROM positions UNION ALL SELECT * FROM charged)
  GROUP BY node_id`;

type Prepared = Pick<DatabaseSync, "prepare">;
type Charging = Pick<Batch, "nodeId" | "events" | "payer">;

/** Counts a batch, within its transaction. */
export function addCharges(db: Prepared, { nodeId, events, payer }: Charging): void {
  const sums = new Map<string, number>();
  let chargedSeq: number | null = null;
  for (const { row } of events) {
    const cost = row[COLUMN.cost_micros];
    const userId = row[COLUMN.user_id];
    if (typeof cost !== "number" || cost <= 0 || typeof userId !== "string") continue;
    if (payer !== undefined && userId !== payer) continue;
    chargedSeq ??= Number(db.prepare(CHARGED).get(nodeId)?.seq ?? 0);
    if (Number(row[COLUMN.seq]) > chargedSeq) sums.set(userId, clamped((sums.get(userId) ?? 0) + cost));
  }
  if (sums.size === 0) return;
  const add = db.prepare(ADD);
  for (const [userId, cost] of sums) add.run(nodeId, userId, cost);
}

/** Within one snapshot. */
export function readCharges(db: Prepared): Charges {
  const upTo = db.prepare(UP_TO).all() as { node_id: string; seq: number }[];
  const sums = db.prepare(SUMS).all() as { node_id: string; user_id: string; cost_micros: number }[];
  return {
    upTo: Object.fromEntries(upTo.map(({ node_id, seq }) => [node_id, seq])),
    sums: sums.map(({ node_id, user_id, cost_micros }) => ({
      nodeId: node_id,
      userId: user_id,
      costMicros: cost_micros,
    })),
  };
}

/** Within one transaction. */
export function takeCharges(db: Prepared, copy: Charges): void {
  const { upTo } = readCharges(db);
  const behind = Object.entries(copy.upTo).filter(([nodeId, seq]) => seq > (upTo[nodeId] ?? 0));
  const taken = new Set(behind.map(([nodeId]) => nodeId));
  const forget = db.prepare("DELETE FROM charges WHERE node_id = ?");
  const reach = db.prepare(
    "INSERT INTO charged (node_id, seq) VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq",
  );
  for (const [nodeId, seq] of behind) {
    forget.run(nodeId);
    reach.run(nodeId, seq);
  }
  const add = db.prepare(ADD);
  for (const { nodeId, userId, costMicros } of copy.sums)
    if (taken.has(nodeId)) add.run(nodeId, userId, costMicros);
}

function clamped(sum: number): number {
  return Math.min(sum, Number.MAX_SAFE_INTEGER);
}
