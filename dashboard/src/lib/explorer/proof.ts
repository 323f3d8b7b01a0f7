// The verdict on a proof, and on whether it is a proof of the very event that is shown.
import { COLUMN, type FieldName } from "../../../../src/event/fields.ts";
import type { EventJson } from "../../../../src/event/json.ts";
import type { Group, LeafSource } from "../../../../src/evidence/event-leaf.ts";
import { type ProofReport, parseProofFile, verifyProof } from "../../../../src/evidence/proof-file.ts";
import { sha256 } from "../../../../src/evidence/sha256.ts";
import { isTime } from "./columns.ts";

const NOTHING = { nodeId: null, seq: null, size: null, sealedAt: null, key: null } as const;

export async function verdictOf(event: EventJson, text: string): Promise<ProofReport> {
  const proof = parseProofFile(text);
  if (proof === null) return { ...NOTHING, state: "TAMPERED", detail: "This is no proof." };
  const report = await verifyProof(proof, { sha256, trusted: null });
  if (!report.state.startsWith("VALID")) return report;
  const other = otherThan(event, proof.event);
  return other === null
    ? report
    : { ...report, state: "TAMPERED", detail: `${other} is shown otherwise than it was sealed` };
}

/** A field that the event has otherwise than it was sealed. Of a group that was erased nothing is known. */
function otherThan(event: EventJson, { public: open, p1, p2 }: LeafSource): FieldName | null {
  const fields = (group: Group) => ("fields" in group ? group.fields : {});
  const sealed: LeafSource["public"] = { ...open, ...fields(p1), ...fields(p2) };
  const isErased = "hash" in p1 || "hash" in p2;
  const shown = (name: FieldName) => (isTime(name) ? Date.parse(String(event[name])) : (event[name] ?? null));
  const names = Object.keys(COLUMN) as FieldName[];
  return (
    names.find((name) => shown(name) !== (sealed[name] ?? null) && !(isErased && shown(name) === null)) ??
    null
  );
}
