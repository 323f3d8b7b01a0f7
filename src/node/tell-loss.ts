// Says in the trail what of a node's log will never be in the store.
import type { Lost } from "../journal/tail.ts";
import type { Recorder } from "../recorder/recorder.ts";

/** Resolves when that is durable. */
export async function tellLoss(
  recorder: Recorder,
  node: string,
  { fromSeq, toSeq, why }: Lost,
): Promise<void> {
  const action = why === "gone" ? "store_regressed" : "journal_loss";
  await recorder.system(action, { node, from_seq: fromSeq, to_seq: toSeq });
}
