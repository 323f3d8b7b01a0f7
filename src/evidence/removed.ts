// What a `pruned` event says, in its metadata: `{"node", "from_seq", "to_seq", "because", <kind>: <events>, …}`.
import { KINDS } from "../event/fields.ts";
import type { Removed } from "./verify.ts";

/** The range that the metadata's text names; nothing when it names none. */
export function removedBy(metadata: string | null): Removed[] {
  try {
    const found = JSON.parse(metadata ?? "") as Record<string, unknown>;
    const { node: nodeId, from_seq: from, to_seq: to } = found;
    if (typeof nodeId !== "string" || typeof from !== "number" || typeof to !== "number") return [];
    const count = KINDS.reduce((sum, kind) => sum + Math.max(0, Number(found[kind] ?? 0) || 0), 0);
    return [{ nodeId, from, to, count }];
  } catch {
    return [];
  }
}
