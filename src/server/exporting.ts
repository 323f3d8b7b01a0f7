// What exports need of a server: threads that make them, places that take them, and jobs that outlast requests.
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import type { Slot } from "../journal/slot.ts";
import type { Openings } from "../node/openings.ts";
import { Exporter } from "../read/export/exporter.ts";
import type { Reader } from "../read/reader.ts";
import { type ExportJobParts, exportJob } from "./export-job.ts";
import { JobBoard } from "./jobs.ts";
import { report } from "./own-log.ts";
import { Targets } from "./targets.ts";

export interface ExportingParts {
  readonly store: string;
  /** In force. */
  readonly config: () => Config;
  readonly slot: Pick<Slot, "folder">;
  readonly reader: Reader;
  readonly recorder: ExportJobParts["recorder"];
}

export async function openExporting(
  openings: Openings,
  { store, config, slot, reader, recorder }: ExportingParts,
) {
  const exporter = new Exporter(store);
  openings.add(() => exporter.close());
  const targets = new Targets(() => config().exportTargets);
  const jobs = await JobBoard.open({
    folder: join(slot.folder, "jobs"),
    kinds: { export: exportJob({ exporter, reader, recorder, targets, now: Date.now }) },
    now: Date.now,
    report: (error) => report(error, "jobs"),
  });
  openings.add(() => jobs[Symbol.asyncDispose]());
  return { exporter, targets, jobs };
}
