// Exports as jobs, and their schedules.
import { bytes, number } from "#lib/amounts.ts";
import { ask, get } from "#lib/api.ts";
import { download } from "#lib/explorer/download.ts";
import * as links from "#lib/links.ts";
import { text, time } from "./columns.ts";
import { lineOf, queryOf } from "./event-filters.ts";
import type { Shape } from "./fields.ts";
import { aboutOf, duringJob, isOver, jobDeeds, PROGRESS, resultOf, STATE } from "./jobs.ts";
import type { Change, Deed, Resource, Row } from "./resource.ts";
import type { Values } from "./values.ts";

async function shapes(): Promise<Readonly<Record<string, Shape>>> {
  const targets = await get<readonly { name: string }[]>("/admin/export-targets");
  return { filter: { is: "events" }, target: { is: "choice", of: targets.map(({ name }) => name) } };
}

/** The form's line as the query string that the API takes. */
function body({ filter, ...rest }: Values): Values {
  return filter === undefined ? rest : { ...rest, filter: queryOf(filter) };
}

/** A new export of what `line` means. */
export function newExport(line = ""): Change {
  return {
    title: "A new export",
    verb: "New export",
    method: "POST",
    path: "/admin/exports",
    template: "/admin/exports",
    grant: "audit:read",
    before: { filter: line, format: "jsonl", compression: "none" },
    shapes,
    body,
  };
}

function fileDeeds(row: Row): Deed[] {
  const result = resultOf(row);
  if (row.state !== "done" || result.file === undefined || aboutOf(row).target !== undefined) return [];
  const fetched = (title: string, name: string): Deed => ({
    title,
    grant: "audit:read",
    async run() {
      await download(`/admin/exports/${String(row.id)}/${name}`, new AbortController().signal, () => {});
      return null;
    },
  });
  return [fetched("Download", "file"), fetched("Download its manifest", "manifest")];
}

export const EXPORTS: Resource = {
  title: "Exports",
  about:
    "Files of the trail that outlast connections and restarts. The newest fifty stay until they are removed.",
  path: "/admin/jobs",
  only: ({ kind }) => kind === "export",
  none: "There are no exports yet.",
  keyOf: text("id"),
  nameOf: (row) => `${String(aboutOf(row).format)} ${String(row.id).slice(-6)}`,
  events: (row) => duringJob(row, ["exported", "export_failed"]),
  isMoving: (row) => !isOver(row),
  columns: [
    {
      title: "Form",
      text: (row) => {
        const { format, compression } = aboutOf(row);
        return compression === undefined || compression === "none"
          ? String(format)
          : `${format}, ${compression}`;
      },
    },
    { title: "Filtered by", text: (row) => String(aboutOf(row).filters ?? "nothing") },
    { title: "Target", text: (row) => String(aboutOf(row).target ?? "here") },
    STATE,
    PROGRESS,
    {
      title: "Size",
      text: (row) => (resultOf(row).bytes === undefined ? "" : bytes(Number(resultOf(row).bytes))),
    },
    { title: "SHA-256", text: (row) => String(resultOf(row).sha256 ?? ""), isCode: true },
    time("Asked for", "created_at"),
    time("Over", "ended_at"),
  ],
  create: newExport(),
  deeds: (row) => [...fileDeeds(row), ...jobDeeds(row)],
  changes: () => [],
};

const SCHEDULE = [
  "name",
  "cron",
  "time_zone",
  "format",
  "compression",
  "target",
  "keep",
  "covers",
  "enabled",
] as const;

export const SCHEDULES: Resource = {
  title: "Schedules",
  about: "Exports that go to a target by themselves. What was missed is caught up by one run.",
  path: "/admin/export-schedules",
  none: "There are no schedules. They need a target: export_targets in daybook.yaml.",
  keyOf: text("id"),
  nameOf: text("name"),
  events: ({ id }) => ({ kind: "admin", entity_id: id }),
  isMoving: ({ running }) => running === true,
  columns: [
    { title: "Name", text: text("name") },
    { title: "When", text: ({ cron, time_zone: zone }) => `${cron} ${zone}`, isCode: true },
    { title: "Events", text: ({ filter }) => lineOf(String(filter)) || "all", isCode: true },
    {
      title: "Form",
      text: ({ format, compression }) =>
        compression === "none" ? String(format) : `${format}, ${compression}`,
    },
    { title: "Target", text: text("target") },
    { title: "Keeps", text: ({ keep }) => (keep === null ? "all" : `the last ${number(Number(keep))}`) },
    {
      title: "Last run",
      text: ({ failed, last_at: at, running }) =>
        running ? "runs" : failed !== null ? `failed: ${String(failed)}` : at === null ? "none yet" : "well",
      tone: ({ failed, last_at: at, running }) =>
        running ? "late" : failed !== null ? "bad" : at === null ? "idle" : "good",
    },
    time("Ran", "last_at"),
    time("Next", "next_at"),
    {
      title: "State",
      text: ({ enabled }) => (enabled ? "on" : "off"),
      tone: ({ enabled }) => (enabled ? "good" : "idle"),
    },
  ],
  create: {
    title: "A new schedule",
    verb: "New schedule",
    method: "POST",
    path: "/admin/export-schedules",
    template: "/admin/export-schedules",
    before: {
      cron: "0 3 * * *",
      time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      format: "jsonl",
      compression: "zstd",
      covers: "new",
      enabled: true,
    },
    shapes,
    body,
  },
  deeds: ({ id, name, running }) =>
    running === true
      ? []
      : [
          {
            title: "Run now",
            async run() {
              const { requestId } = await ask(`/admin/export-schedules/${String(id)}/run`, {
                method: "POST",
                body: {},
              });
              const link = { href: links.explorer({ request_id: requestId }), text: "Its event" };
              return { text: `${String(name)} runs.`, link };
            },
          },
        ],
  changes(row) {
    const { id, name, filter } = row;
    const path = `/admin/export-schedules/${String(id)}`;
    const template = "/admin/export-schedules/{id}";
    const known = Object.fromEntries(SCHEDULE.map((field) => [field, row[field]]));
    const before = { ...known, filter: lineOf(String(filter)) };
    return [
      {
        title: `Change ${String(name)}`,
        verb: "Change",
        method: "PATCH",
        path,
        template,
        before,
        shapes,
        body,
      },
      { title: `End ${String(name)}`, verb: "Delete", method: "DELETE", path, template, isDanger: true },
    ];
  },
};
