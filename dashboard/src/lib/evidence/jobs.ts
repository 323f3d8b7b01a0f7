// Verifications and bundles, as jobs.
import { time } from "#lib/admin/columns.ts";
import { aboutOf, duringJob, isOver, jobDeeds, PROGRESS, resultOf, STATE } from "#lib/admin/jobs.ts";
import type { Resource, Row } from "#lib/admin/resource.ts";
import { download } from "#lib/explorer/download.ts";
import { dateTime } from "#lib/time.ts";
import { verdictOf } from "./verdicts.ts";

const isVerification = ({ kind }: Row) => kind === "verify";

function rangeOf(row: Row): string {
  const { since, until } = aboutOf(row);
  const bound = (at: unknown, none: string) => (typeof at === "number" ? dateTime(at) : none);
  return since === undefined && until === undefined
    ? "all"
    : `${bound(since, "the beginning")} to ${bound(until, "now")}`;
}

export const VERIFICATIONS: Resource = {
  title: "Verifications",
  about:
    "The store and the logs of the data folder, compared with what was sealed, and with anchor files of the configuration.",
  path: "/admin/jobs",
  only: isVerification,
  none: "Nothing was verified here yet.",
  keyOf: ({ id }) => String(id),
  nameOf: ({ id }) => String(id).slice(-6),
  events: (row) => duringJob(row, "verified"),
  isMoving: (row) => !isOver(row),
  columns: [
    time("Asked for", "created_at"),
    { title: "Compared", text: rangeOf },
    STATE,
    {
      title: "Verdict",
      text: (row) => {
        const { state, tail } = resultOf(row);
        return state === "UNSEALED_TAIL" ? `${state}(${tail})` : String(state ?? "");
      },
      tone: (row) => verdictOf(resultOf(row).state).tone,
    },
    PROGRESS,
    { title: "Erased", text: (row) => String(resultOf(row).erased ?? "") },
    { title: "Pruned", text: (row) => String(resultOf(row).pruned ?? "") },
    { title: "Not sealed yet", text: (row) => String(resultOf(row).tail ?? "") },
    {
      title: "Anchors",
      text: (row) => {
        const { anchored } = resultOf(row);
        return anchored === undefined ? "" : anchored ? "compared" : "none";
      },
    },
    time("Over", "ended_at"),
  ],
  create: {
    title: "Verify now",
    verb: "Verify now",
    method: "POST",
    path: "/admin/evidence/verify",
    template: "/admin/evidence/verify",
    grant: ["audit:read", "admin"],
  },
  deeds: jobDeeds,
  details: { title: () => "What was found", load: () => import("./Reports.svelte") },
  changes: () => [],
};

export const BUNDLES: Resource = {
  title: "Bundles",
  about: "All events with what proves them, in one file for anybody's own verifier.",
  path: "/admin/jobs",
  only: ({ kind }) => kind === "bundle",
  none: "No bundle was made yet.",
  keyOf: ({ id }) => String(id),
  nameOf: ({ id }) => String(id).slice(-6),
  events: (row) => duringJob(row, "exported"),
  isMoving: (row) => !isOver(row),
  columns: [time("Asked for", "created_at"), STATE, PROGRESS, time("Over", "ended_at")],
  create: {
    title: "A new bundle",
    verb: "New bundle",
    method: "POST",
    path: "/admin/evidence/bundle",
    template: "/admin/evidence/bundle",
    grant: ["audit:read", "admin"],
  },
  deeds: (row) => [
    ...(row.state === "done"
      ? [
          {
            title: "Download",
            grant: "audit:read" as const,
            async run() {
              await download(
                `/admin/evidence/bundles/${String(row.id)}`,
                new AbortController().signal,
                () => {},
              );
              return null;
            },
          },
        ]
      : []),
    ...jobDeeds(row),
  ],
  changes: () => [],
};
