// Events in which Daybook speaks of itself.
import type { Facts } from "./fields.ts";
import { newEventId, newRequestId } from "./ids.ts";

export type SystemAction =
  | "unclean_stop"
  | "clock_step"
  | "gap"
  /** Events that were recorded cannot be read any more, and the store does not have them. */
  | "journal_loss"
  /** The store is older than what is left of the journal. */
  | "store_regressed"
  /** The store has another history of this node: the folder was copied. */
  | "node_forked"
  /** Events that retention removes, told before they go. */
  | "pruned"
  /** The data folder is copied. */
  | "backed_up"
  /** An export's job has made its file, and delivered it where it had a target. */
  | "exported"
  /** A job could not, or a schedule could not begin one. */
  | "export_failed"
  /** This node's log goes on from that of another, which has ended. */
  | "node_succeeded"
  /** This node's log will be signed with another key; `verifier_key` is its public half. */
  | "key_announced";

/** Facts of a `system` event; `metadata` holds integers and short words only. */
export function systemFacts(
  action: SystemAction,
  metadata: Record<string, number | string>,
  now: number,
): Facts {
  return {
    eventId: newEventId(),
    kind: "system",
    action,
    count: 1,
    timestamp: now,
    requestId: newRequestId(),
    caller: "system",
    policyDecision: "n/a",
    metadata,
  };
}
