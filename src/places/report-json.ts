// Reports as JSON: what `daybook verify --json` and the API show.
import type { ProofReport } from "../evidence/proof-file.ts";
import { type LogReport, STATES } from "../evidence/report.ts";

/** The report in snake_case, with its exit code. */
export function snakeReport(report: LogReport | ProofReport): Record<string, unknown> {
  const named = Object.entries(report).map(([name, value]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value,
  ]);
  return { ...Object.fromEntries(named), exit_code: STATES[report.state] };
}
