// What Daybook's events about itself say, for Prometheus: exports, and what retention removes. Counted as each becomes
// durable, from its metadata.
import { Counter, type Registry } from "prom-client";
import { COLUMN, KINDS, type Row } from "../event/fields.ts";
import { FORMAT_NAMES } from "../read/export/formats.ts";

type Said = Readonly<Record<string, unknown>>;

/** Adds these metrics to `registry`; answers with what must be told of each durable event. */
export function countOwnEvents(registry: Registry): (row: Row) => void {
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter<Label>({ name, help, labelNames: [...labelNames], registers: [registry] });
  const exports = counter("daybook_exports_total", "Exports, by format and how they ended.", [
    "format",
    "status",
  ]);
  const exported = counter("daybook_exported_events_total", "Events in exports that were whole.", ["format"]);
  const removed = counter(
    "daybook_retention_removed_events_total",
    "Events that retention told it would remove, by kind, and whether for their age or for room.",
    ["kind", "because"],
  );
  const tell: Readonly<Record<string, (said: Said, status: string) => void>> = {
    exported({ format: asked, rows }, status) {
      const format = FORMAT_NAMES.find((name) => name === asked) ?? "other";
      // What asks for a job that exports is told too, and ends nothing.
      if (typeof rows === "number" || status !== "success") exports.inc({ format, status });
      if (typeof rows === "number") exported.inc({ format }, rows);
    },
    pruned(said) {
      const because = said.because === "size" ? "size" : "age";
      for (const kind of KINDS)
        if (typeof said[kind] === "number") removed.inc({ kind, because }, said[kind]);
    },
  };
  return (row) => {
    if (row[COLUMN.kind] !== "system") return;
    const one = tell[String(row[COLUMN.action])];
    one?.(JSON.parse(String(row[COLUMN.metadata] ?? "{}")) as Said, String(row[COLUMN.status]));
  };
}
