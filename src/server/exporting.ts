// What exports need of a server: threads that make them, places that take them, and jobs that outlast requests.
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import type { Schedule, Schedules } from "../control/schedules.ts";
import type { Slot } from "../journal/slot.ts";
import type { Openings } from "../node/openings.ts";
import { Exporter } from "../read/export/exporter.ts";
import type { Reader } from "../read/reader.ts";
import { evidenceJobs } from "./evidence-jobs.ts";
import { type ExportJobParts, exportJob } from "./export-job.ts";
import { JobBoard } from "./jobs.ts";
import { report } from "./own-log.ts";
import { ScheduleRunner } from "./schedule-runner.ts";
import { Targets } from "./targets.ts";

export interface ExportingParts {
  readonly store: string;
  /** In force. */
  readonly config: () => Config;
  readonly slot: Pick<Slot, "folder" | "nodeId">;
  readonly reader: Reader;
  readonly schedules: Schedules;
  readonly recorder: ExportJobParts["recorder"];
}

export async function openExporting(
  openings: Openings,
  { store, config, slot, reader, recorder, schedules }: ExportingParts,
) {
  const exporter = new Exporter(store);
  openings.add(() => exporter.close());
  const targets = new Targets(() => config().exportTargets);
  const now = Date.now;
  const onSeries: ExportJobParts["onSeries"] = (id, asOf, code) => runner.over(id, asOf, code);
  const jobs = await JobBoard.open({
    folder: join(slot.folder, "jobs"),
    kinds: {
      export: exportJob({ exporter, reader, recorder, targets, now, onSeries }),
      ...evidenceJobs(config()),
    },
    now,
    report: (error) => report(error, "jobs"),
  });
  openings.add(() => jobs[Symbol.asyncDispose]());
  const runner = new ScheduleRunner({
    schedules,
    jobs,
    nodeId: slot.nodeId,
    recorder,
    now,
    report: (error) => report(error, "export schedules"),
  });
  openings.add(() => runner.close());
  const runSchedule = (schedule: Schedule) => runner.run(schedule);
  return { api: { exporter, targets, jobs, runSchedule }, runner };
}
