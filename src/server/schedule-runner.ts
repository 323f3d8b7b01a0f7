// Runs the schedules of exports: looks every few seconds which are due, and starts a job for each. What was due while no
// server ran is caught up by one run, since a run has everything that no run before it had. A run whose process died is
// begun again by the next one of its node.
import type { Jobs } from "../api/jobs.ts";
import type { Schedule, Schedules } from "../control/schedules.ts";
import { DaybookError } from "../event/errors.ts";
import type { SystemAction } from "../event/system.ts";
import type { AsOf } from "../query/filter.ts";
import { parseFilter } from "../query/parameters.ts";
import type { FileForm } from "../read/export/formats.ts";
import type { ExportInput } from "./export-job.ts";

export interface ScheduleRunnerOptions {
  readonly schedules: Schedules;
  readonly jobs: Pick<Jobs, "start">;
  readonly nodeId: string;
  readonly recorder: {
    system(action: SystemAction, metadata: Record<string, number | string>): Promise<boolean>;
  };
  readonly now: () => number;
  readonly report: (error: unknown) => void;
}

const EVERY_MS = 5000;
/** More schedules than this are not looked at. */
const MAX_SCHEDULES = 1000;

export class ScheduleRunner {
  readonly #options: ScheduleRunnerOptions;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  /** Begun by this process, and not over. */
  readonly #own = new Set<string>();
  /** Name → why its last run failed. */
  #failing: ReadonlyMap<string, string> = new Map();

  constructor(options: ScheduleRunnerOptions) {
    this.#options = options;
  }

  /** Of schedules whose last run failed, by name: why. */
  get failing(): ReadonlyMap<string, string> {
    return this.#failing;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), EVERY_MS).unref();
    void this.look();
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#looking;
  }

  /** Starts what is due now. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch(this.#options.report)
      .finally(() => {
        this.#looking = null;
      });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { schedules, now, nodeId } = this.#options;
    const all = await schedules.list({ limit: MAX_SCHEDULES, after: null });
    this.#failing = new Map(all.flatMap(({ name, failed }) => (failed === null ? [] : [[name, failed]])));
    for (const schedule of all) {
      const { id, running, nextAt, enabled } = schedule;
      const isLost = running === nodeId && !this.#own.has(id);
      const isDue = running === null && nextAt !== null && nextAt <= now();
      if (enabled && (isDue || isLost)) await this.run(schedule);
    }
  }

  /** One run now, due or not; null: it runs already. Rejects as starting a job does; that is recorded. */
  async run(schedule: Schedule): Promise<string | null> {
    const { schedules, jobs, nodeId, now, recorder } = this.#options;
    if (this.#own.has(schedule.id) || !(await schedules.claim(schedule, nodeId, now()))) return null;
    this.#own.add(schedule.id);
    try {
      const { format, compression, target, name } = schedule;
      const about = { format, compression, target, schedule: name };
      return (await jobs.start("export", about, inputOf(schedule, now()))).id;
    } catch (error) {
      const code = error instanceof DaybookError ? error.code : "internal_error";
      await recorder.system("export_failed", { schedule: schedule.id, code, target: schedule.target });
      await this.over(schedule.id, null, code);
      throw error;
    }
  }

  /** A run's job is over; `asOf`: what it covers, null when it failed. */
  async over(id: string, asOf: AsOf | null, code: string): Promise<void> {
    this.#own.delete(id);
    await this.#options.schedules.settle(id, asOf === null ? { failed: code } : { position: asOf });
    const { name } = await this.#options.schedules.get(id);
    const failing = new Map(this.#failing);
    if (asOf === null) failing.set(name, code);
    else failing.delete(name);
    this.#failing = failing;
  }
}

function inputOf(schedule: Schedule, now: number): ExportInput {
  const { format, compression, filter, target, covers, position, id, name, keep } = schedule;
  return {
    ...({ format, compression } as FileForm),
    filter: parseFilter(new URLSearchParams(filter), now),
    target,
    series: { id, name, keep },
    ...(covers === "new" && position !== null ? { beyond: position } : {}),
  };
}
