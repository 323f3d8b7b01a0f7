// What `daybook verify` shows of a report.
import type { createColors } from "picocolors";
import type { ProofReport } from "../../evidence/proof-file.ts";
import { type LogReport, STATES, type State } from "../../evidence/report.ts";
import { countOf, countText } from "../amounts.ts";
import { visible } from "../event-table.ts";

type Paint = ReturnType<typeof createColors>;

/** States from here on say that something is wrong; from 20 on, that nothing is proven. */
const WRONG = 30;
const UNPROVEN = 20;

function painted(state: State, paint: Paint): string {
  if (STATES[state] >= WRONG) return paint.red(state);
  return STATES[state] >= UNPROVEN ? paint.yellow(state) : paint.green(state);
}

export function reportText(report: LogReport, paint: Paint): string {
  const { nodeId, place, state, findings, size, sealedAt, events, key } = report;
  const sealed = sealedAt === null ? "" : `, at ${new Date(sealedAt).toISOString()}`;
  const lines = [
    `node ${nodeId}  ${painted(state, paint)}`,
    `  ${visible(place)}: ${countOf(events, "event")} compared, ${countText(size)} sealed${sealed}`,
    ...(key === null ? [] : [`  signed by ${key}`]),
    ...findings.map((finding) => `  ${painted(finding.state, paint)}: ${finding.detail}`),
  ];
  return `${lines.join("\n")}\n`;
}

export function proofText(
  { state, detail, nodeId, seq, size, sealedAt, key }: ProofReport,
  paint: Paint,
): string {
  const lines = [
    `event ${seq ?? "?"} of node ${visible(nodeId ?? "?")}  ${painted(state, paint)}`,
    `  ${detail}`,
    ...(size === null
      ? []
      : [
          `  checkpoint over ${countText(size)} events${sealedAt === null ? "" : `, at ${new Date(sealedAt).toISOString()}`}`,
        ]),
    ...(key === null ? [] : [`  signed by ${key}`]),
  ];
  return `${lines.join("\n")}\n`;
}
