// Batches that no shipper may hand over. What is found here is a fault in the program, so it is thrown before the
// store is touched; where the store stands is not checked here but by compare-and-swap.
import { COLUMN } from "../../event/fields.ts";
import { SALT_BYTES } from "../../event/leaf.ts";
import type { Batch } from "../store.ts";

const NODE_ID = /^[0-9a-f]{16}$/;
const ROOT = /^[0-9a-f]{64}$/;

/** Throws a RangeError unless the events are the node's, contiguous, and lead from `from` to `to`. */
export function checkBatch({ nodeId, events, from, to, lost = null }: Batch): void {
  if (!NODE_ID.test(nodeId) || to.nodeId !== nodeId || (from !== null && from.nodeId !== nodeId)) {
    throw new RangeError("a batch and its positions are of one node");
  }
  const before = to.seq - events.length;
  const reached = lost === null ? from?.seq : lost.toSeq;
  if (lost !== null && (lost.fromSeq !== (from?.seq ?? 0) + 1 || lost.toSeq < lost.fromSeq)) {
    throw new RangeError("lost events are those right after `from`");
  }
  if (!Number.isSafeInteger(to.seq) || before < 0 || (reached !== undefined && reached !== before)) {
    throw new RangeError(
      `a batch of ${events.length} events cannot lead from ${from?.seq ?? "nothing"} to ${to.seq}`,
    );
  }
  if (!ROOT.test(to.root)) throw new RangeError("a root is 64 hex digits");
  for (const [index, { row, p1Salt, p2Salt }] of events.entries()) {
    if (row[COLUMN.node_id] !== nodeId || row[COLUMN.seq] !== before + 1 + index) {
      throw new RangeError(`event ${index} of a batch is not seq ${before + 1 + index} of its node`);
    }
    if (p1Salt.length !== SALT_BYTES || p2Salt.length !== SALT_BYTES)
      throw new RangeError("a salt has 16 bytes");
  }
}
