// What the API knows of the evidence: what shows that events are what was recorded.
import type { SealedLog } from "../stores/store.ts";

/** A place outside that is told the logs' sizes and roots. */
export interface AnchorPlace {
  readonly kind: string;
  readonly index: number;
  /** When the newest line arrived, UTC ms; 0: none yet. */
  readonly at: number;
  /** A native code or HTTP status; null while all is well. */
  readonly trouble: string | null;
}

export interface Evidence {
  /** As the store has them. */
  seals(): Promise<SealedLog[]>;
  /** A proof file. Rejects with `bad_argument` when there is no such event, or it is not sealed yet. */
  proof(eventId: string): Promise<object>;
  anchors(): readonly AnchorPlace[];
}
