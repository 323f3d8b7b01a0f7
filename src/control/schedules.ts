// Schedules of exports: when, what and where to, and how far each is. Only servers run them (server/schedule-runner.ts).
import { Cron } from "croner";
import type { Selectable } from "kysely";
import { DaybookError } from "../event/errors.ts";
import { type Actor, differing, filterValues, type Values } from "./change.ts";
import type { Change, Control, Reads } from "./control.ts";
import { newId } from "./given.ts";
import { type Page, pageOf } from "./pages.ts";
import type { ScheduleRunTables, ScheduleTables } from "./schedules-tables.ts";

export interface ScheduleSpec {
  /** Files at the target begin with it. */
  readonly name: string;
  readonly cron: string;
  /** IANA name. */
  readonly timeZone: string;
  /** The query string of a list; relative times are relative to the run. */
  readonly filter: string;
  readonly format: string;
  readonly compression: string;
  readonly target: string;
  readonly keep: number | null;
  readonly covers: "new" | "all";
  readonly enabled: boolean;
}

export interface Schedule extends ScheduleSpec {
  readonly id: string;
  /** UTC ms, as the next ones. */
  readonly createdAt: number;
  /** When it is due next; null: never, or it is not enabled. */
  readonly nextAt: number | null;
  /** null: it never ran. */
  readonly lastAt: number | null;
  /** Why the last run failed: an error code; null: it did not. */
  readonly failed: string | null;
  /** node id → seq: what the last run that succeeded covers. */
  readonly position: Readonly<Record<string, number>> | null;
  /** The node that runs it now. */
  readonly running: string | null;
}

type Row = Selectable<ScheduleTables["export_schedules"]>;
type Run = Selectable<ScheduleRunTables["export_runs"]>;

const ENTITY = "export_schedule";

export class Schedules {
  readonly #control: Control;

  constructor(control: Control) {
    this.#control = control;
  }

  /** Throws `bad_argument` on a cron expression or a time zone that cannot be, `conflict` when the name is taken. */
  async create(actor: Actor, spec: ScheduleSpec, justification?: string | null): Promise<Schedule> {
    const id = newId("sch");
    const now = this.#control.clock();
    dueAfter(spec, now);
    const entry = { action: "export_schedule_created", entityType: ENTITY, justification };
    await this.#control.change(actor, entry, async (change) => {
      await refuseTaken(change, spec.name, id);
      const row = { id, ...columnsOf(spec), created_at: now, updated_at: now };
      await change.insertInto("export_schedules").values(row).execute();
      return { entityId: id, oldValues: null, newValues: valuesOf(spec) };
    });
    return this.get(id);
  }

  /** Throws as `create` does, and `unknown_entity`. */
  async update(
    actor: Actor,
    id: string,
    patch: Partial<ScheduleSpec>,
    justification?: string | null,
  ): Promise<Schedule> {
    const entry = { action: "export_schedule_changed", entityType: ENTITY, justification };
    await this.#control.change(actor, entry, async (change) => {
      const before = specOf(await rowOf(change, id));
      const after = { ...before, ...patch };
      dueAfter(after, this.#control.clock());
      await refuseTaken(change, after.name, id);
      const row = { ...columnsOf(after), updated_at: this.#control.clock() };
      await change.updateTable("export_schedules").set(row).where("id", "=", id).execute();
      const difference = differing(valuesOf(before), valuesOf(after));
      return difference === null ? null : { entityId: id, ...difference };
    });
    return this.get(id);
  }

  /** What it has exported stays where it is. Throws `unknown_entity`. */
  async delete(actor: Actor, id: string, justification?: string | null): Promise<void> {
    const entry = { action: "export_schedule_deleted", entityType: ENTITY, justification };
    await this.#control.change(actor, entry, async (change) => {
      const row = await rowOf(change, id);
      await change.deleteFrom("export_schedules").where("id", "=", id).execute();
      return { entityId: id, oldValues: valuesOf(specOf(row)), newValues: null };
    });
    await this.#control.upkeep((tables) =>
      tables.deleteFrom("export_runs").where("schedule_id", "=", id).execute(),
    );
  }

  /** Throws `unknown_entity`. */
  async get(id: string): Promise<Schedule> {
    const row = await rowOf(this.#control.reads, id);
    return shown(row, (await this.#runs()).get(id));
  }

  async list(page: Page): Promise<Schedule[]> {
    const rows = await pageOf(this.#control.reads, "export_schedules", page);
    const runs = await this.#runs();
    return rows.map((row) => shown(row, runs.get(row.id)));
  }

  /** A run begins. False: another process was first, or it runs already. */
  claim({ id, lastAt, running }: Schedule, nodeId: string, now: number): Promise<boolean> {
    return this.#control.upkeep(async (tables) => {
      const run = await tables
        .selectFrom("export_runs")
        .selectAll()
        .where("schedule_id", "=", id)
        .executeTakeFirst();
      if ((run?.last_at ?? null) !== lastAt || (run?.running ?? null) !== running) return false;
      const next = { last_at: now, running: nodeId };
      if (run === undefined)
        await tables
          .insertInto("export_runs")
          .values({ schedule_id: id, position: null, failed: null, ...next })
          .execute();
      else await tables.updateTable("export_runs").set(next).where("schedule_id", "=", id).execute();
      return true;
    });
  }

  /** A run is over; `covered`: what it covers, or why it failed. */
  async settle(
    id: string,
    covered: { readonly position: Schedule["position"] } | { readonly failed: string },
  ) {
    const end =
      "failed" in covered
        ? { failed: covered.failed }
        : { failed: null, position: JSON.stringify(covered.position) };
    await this.#control.upkeep((tables) =>
      tables
        .updateTable("export_runs")
        .set({ ...end, running: null })
        .where("schedule_id", "=", id)
        .execute(),
    );
  }

  async #runs(): Promise<Map<string, Run>> {
    const runs = await this.#control.upkeep((tables) =>
      tables.selectFrom("export_runs").selectAll().execute(),
    );
    return new Map(runs.map((run) => [run.schedule_id, run]));
  }
}

/** When the schedule is due for the first time after `time`; null: never. Throws `bad_argument`. */
export function dueAfter(
  { cron, timeZone }: Pick<ScheduleSpec, "cron" | "timeZone">,
  time: number,
): number | null {
  try {
    return new Cron(cron, { timezone: timeZone, paused: true }).nextRun(new Date(time))?.getTime() ?? null;
  } catch (error) {
    const detail = "cron takes five fields, such as 0 3 * * 1, and time_zone a name such as Europe/Berlin.";
    throw new DaybookError("bad_argument", detail, { cause: error });
  }
}

async function refuseTaken(change: Change, name: string, id: string): Promise<void> {
  const taken = await change
    .selectFrom("export_schedules")
    .select("id")
    .where("name", "=", name)
    .executeTakeFirst();
  if (taken !== undefined && taken.id !== id)
    throw new DaybookError("conflict", `There is an export schedule ${name} already.`);
}

async function rowOf(reads: Reads | Change, id: string): Promise<Row> {
  const row = await reads.selectFrom("export_schedules").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new DaybookError("unknown_entity", "such export schedule");
  return row;
}

function columnsOf({ timeZone, enabled, ...spec }: ScheduleSpec) {
  return { ...spec, time_zone: timeZone, enabled: enabled ? 1 : 0 } as const;
}

function valuesOf({ timeZone, filter, ...spec }: ScheduleSpec): Values {
  return { ...spec, ...filterValues("filter", filter), time_zone: timeZone };
}

function specOf({
  name,
  cron,
  time_zone,
  filter,
  format,
  compression,
  target,
  keep,
  covers,
  enabled,
}: Row): ScheduleSpec {
  return {
    name,
    cron,
    timeZone: time_zone,
    filter,
    format,
    compression,
    target,
    keep,
    covers: covers === "all" ? "all" : "new",
    enabled: enabled === 1,
  };
}

function shown(row: Row, run: Run | undefined): Schedule {
  const spec = specOf(row);
  const lastAt = run?.last_at ?? null;
  return {
    ...spec,
    id: row.id,
    createdAt: row.created_at,
    nextAt: spec.enabled ? dueAfter(spec, lastAt ?? row.created_at) : null,
    lastAt,
    failed: run?.failed ?? null,
    position: run?.position ? (JSON.parse(run.position) as Schedule["position"]) : null,
    running: run?.running ?? null,
  };
}
