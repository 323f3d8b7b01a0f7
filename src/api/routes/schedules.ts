// Schedules of exports: when, what, and to which of the targets that the configuration file names.
import * as z from "zod";
import type { Schedule } from "../../control/schedules.ts";
import { parseFilter } from "../../query/parameters.ts";
import { COMPRESSIONS, FORMAT_NAMES } from "../../read/export/formats.ts";
import { REQUEST } from "../audit.ts";
import { listPage, PAGE_QUERY } from "../listing.ts";
import { Refusal } from "../problem.ts";
import { type Call, type Route, route } from "../route.ts";
import { JUSTIFICATION, REASON_BODY, SHOWN_TIME, shownTime } from "../values.ts";

const SPEC = z.object({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/)
    .describe("Unique; files begin with it."),
  cron: z.string().min(9).max(100).describe("Five fields: minute, hour, day, month, day of week."),
  time_zone: z.string().min(1).max(64).describe("IANA name; UTC without it."),
  filter: z
    .string()
    .max(8192)
    .describe("Which events, as the query string of a list; `since=1d` is relative to the run."),
  format: z.enum(FORMAT_NAMES),
  compression: z.enum(COMPRESSIONS),
  target: z.string().min(1).max(64).describe("Name of a target of the configuration file."),
  keep: z.int().min(1).max(10_000).nullable().describe("Files that stay at the target; null: all."),
  covers: z
    .enum(["new", "all"])
    .describe("`new`: what no run before had, so that nothing is missing or there twice; `all`: everything."),
  enabled: z.boolean(),
});

const CREATE = SPEC.extend({
  time_zone: SPEC.shape.time_zone.default("UTC"),
  filter: SPEC.shape.filter.default(""),
  format: SPEC.shape.format.default("jsonl"),
  compression: SPEC.shape.compression.default("none"),
  keep: SPEC.shape.keep.default(null),
  covers: SPEC.shape.covers.default("new"),
  enabled: SPEC.shape.enabled.default(true),
  justification: JUSTIFICATION,
});

const SHOWN = SPEC.extend({
  id: z.string(),
  created_at: SHOWN_TIME,
  next_at: SHOWN_TIME.nullable(),
  last_at: SHOWN_TIME.nullable(),
  failed: z.string().nullable().describe("Code of the error that the last run ended with."),
  running: z.boolean(),
});

const PATH = "/admin/export-schedules";
const ENTITY = { entityType: "export_schedule" } as const;
const ADMIN = { access: ["admin"], audit: REQUEST } as const;

export const SCHEDULE_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/admin/export-targets",
    access: ["audit:read", "admin"],
    audit: REQUEST,
    answers: z.array(z.object({ name: z.string() })),
    about: "Where exports may be delivered to. Only the configuration file names such places.",
    answer: async ({ parts }) => parts.targets.names.map((name) => ({ name })),
  }),
  route({
    method: "GET",
    path: PATH,
    access: ["audit:read", "admin"],
    audit: REQUEST,
    query: PAGE_QUERY,
    answers: z.array(SHOWN),
    about: "Schedules of exports, newest first, with how their last runs ended.",
    answer: (call) => listPage(call, (page) => call.parts.schedules.list(page), shown),
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: PATH,
    changes: { ...ENTITY, action: "export_schedule_created" },
    body: CREATE,
    answers: SHOWN,
    status: 201,
    about: "Makes a schedule. What is due while no server runs is caught up by one run.",
    async answer({ parts, actor, body: { justification, time_zone: timeZone, ...spec } }) {
      checkSpec(parts, spec);
      return shown(await parts.schedules.create(actor, { ...spec, timeZone }, justification));
    },
  }),
  route({
    ...ADMIN,
    method: "PATCH",
    path: `${PATH}/:id`,
    changes: { ...ENTITY, action: "export_schedule_changed" },
    body: SPEC.partial().extend({ justification: JUSTIFICATION }),
    answers: SHOWN,
    about: "Changes what is named of a schedule.",
    async answer({ parts, actor, params, body: { justification, time_zone: timeZone, ...spec } }) {
      const id = params.id ?? "";
      const given = Object.fromEntries(
        Object.entries({ ...spec, timeZone }).filter(([, value]) => value !== undefined),
      );
      checkSpec(parts, { ...(await parts.schedules.get(id)), ...given });
      return shown(await parts.schedules.update(actor, id, given, justification));
    },
  }),
  route({
    ...ADMIN,
    method: "DELETE",
    path: `${PATH}/:id`,
    changes: { ...ENTITY, action: "export_schedule_deleted" },
    body: REASON_BODY,
    about: "Ends a schedule. What it has exported stays where it is.",
    answer: ({ parts, actor, params, body }) =>
      parts.schedules.delete(actor, params.id ?? "", body.justification),
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: `${PATH}/:id/run`,
    acts: true,
    body: z.object({}),
    answers: z.object({ job: z.string() }),
    status: 202,
    about: "Runs a schedule now, due or not. `409` while it runs.",
    async answer({ parts, params }) {
      const job = await parts.runSchedule(await parts.schedules.get(params.id ?? ""));
      if (job === null) throw new Refusal("conflict", { detail: "The schedule runs just now." });
      return { job };
    },
  }),
];

/** What would make every run fail is refused now. */
function checkSpec(
  parts: Call["parts"],
  {
    filter,
    target,
    format,
    compression,
  }: { filter: string; target: string; format: string; compression: string },
): void {
  parseFilter(new URLSearchParams(filter), parts.now());
  parts.targets.check(target);
  if (format === "parquet" && compression !== "none")
    throw new Refusal("invalid_request", { detail: "Parquet is compressed inside: leave compression out." });
}

function shown(schedule: Schedule): z.output<typeof SHOWN> {
  const {
    timeZone,
    createdAt,
    nextAt,
    lastAt,
    position: _,
    running,
    format,
    compression,
    ...rest
  } = schedule;
  return {
    ...rest,
    format: SPEC.shape.format.parse(format),
    compression: SPEC.shape.compression.parse(compression),
    time_zone: timeZone,
    created_at: shownTime(createdAt),
    next_at: shownTime(nextAt),
    last_at: shownTime(lastAt),
    running: running !== null,
  };
}
