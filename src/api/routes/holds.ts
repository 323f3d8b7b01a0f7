// Legal holds: events that neither retention nor erasure may touch.
import * as z from "zod";
import type { Hold } from "../../control/holds.ts";
import { DaybookError } from "../../event/errors.ts";
import { parseFilter, writeFilter } from "../../query/parameters.ts";
import { REQUEST } from "../audit.ts";
import { listPage, PAGE_QUERY } from "../listing.ts";
import { type Route, route } from "../route.ts";
import { JUSTIFICATION, SHOWN_TIME, shownTime } from "../values.ts";

const VALUES = z.union([z.string(), z.array(z.string()).min(1)]);

const FILTER = z
  .record(z.string(), VALUES)
  .describe(
    "Which events: parameters of the trail's lists, each with its value or values; `q` takes a line of text.",
  );

const HOLD = z.object({
  id: z.string(),
  filter: z
    .record(z.string(), z.array(z.string()))
    .nullable()
    .describe("Null: it is released, and whom it named was erased since."),
  reason: z.string().nullable(),
  created_at: SHOWN_TIME,
  released_at: SHOWN_TIME.nullable(),
  release_reason: z.string().nullable(),
});

const ENTITY = { entityType: "hold" } as const;

export const HOLD_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/admin/holds",
    access: ["admin", "audit:read"],
    audit: REQUEST,
    query: PAGE_QUERY,
    answers: z.array(HOLD),
    about: "Legal holds, newest first, released ones too.",
    answer: (call) => listPage(call, (page) => call.parts.holds.list(page), shown),
  }),
  route({
    method: "POST",
    path: "/admin/holds",
    access: ["admin"],
    audit: REQUEST,
    changes: { ...ENTITY, action: "hold_added" },
    body: z.object({ filter: FILTER, justification: JUSTIFICATION }),
    answers: HOLD,
    status: 201,
    about:
      "Keeps the events that the filter finds, now and later, from retention and erasure. Of every kind, unless it names some.",
    async answer({ parts, actor, body: { filter, justification } }) {
      const given = new URLSearchParams();
      for (const [name, values] of Object.entries(filter))
        for (const value of [values].flat()) given.append(name, value);
      given.delete("include");
      const written = writeFilter(parseFilter(given, parts.now()));
      if (written.size === 0)
        throw new DaybookError("bad_argument", "Say which events are held: a filter has at least one term.");
      return shown(await parts.holds.add(actor, written, justification ?? null));
    },
  }),
  route({
    method: "GET",
    path: "/admin/holds/:id",
    access: ["admin", "audit:read"],
    audit: REQUEST,
    answers: HOLD,
    about: "One legal hold, or 404.",
    answer: async ({ parts, params }) => shown(await parts.holds.get(params.id ?? "")),
  }),
  route({
    method: "POST",
    path: "/admin/holds/:id/release",
    access: ["admin"],
    audit: REQUEST,
    changes: { ...ENTITY, action: "hold_released" },
    body: z.object({ justification: z.string().min(1).max(500).describe("Why; recorded with the change.") }),
    answers: HOLD,
    about: "Ends a hold. What it kept goes with the next run of retention, if its time is over.",
    answer: async ({ parts, actor, params, body }) =>
      shown(await parts.holds.release(actor, params.id ?? "", body.justification)),
  }),
];

function shown({ id, filter, reason, createdAt, releasedAt, releaseReason }: Hold): z.output<typeof HOLD> {
  const parameters = new URLSearchParams(filter ?? "");
  const names = [...new Set(parameters.keys())];
  return {
    id,
    filter: filter === null ? null : Object.fromEntries(names.map((name) => [name, parameters.getAll(name)])),
    reason,
    created_at: shownTime(createdAt),
    released_at: shownTime(releasedAt),
    release_reason: releaseReason,
  };
}
