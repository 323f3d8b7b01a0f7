// Erasures: a person's data goes from the trail, and what was recorded still verifies.
import * as z from "zod";
import type { Erasure } from "../../control/erasures.ts";
import { DaybookError } from "../../event/errors.ts";
import { isoTime } from "../../event/json.ts";
import type { ApiParts } from "../api-parts.ts";
import { REQUEST } from "../audit.ts";
import { filtersOf } from "../hold-filters.ts";
import { listPage, PAGE_QUERY } from "../listing.ts";
import { type Route, route } from "../route.ts";
import { JUSTIFICATION, SHOWN_TIME, shownTime } from "../values.ts";

const COPY = z.object({
  action: z.string().describe("`backed_up` or `exported`."),
  at: SHOWN_TIME,
  event_id: z.string(),
});

const PLAN = z.object({
  events: z.int().describe("Events that an erasure would change now."),
  held: z
    .int()
    .describe("Events that it would, but for a legal hold: none is erased before the hold is released."),
  policies: z
    .array(z.string())
    .describe("Policies whose text names the person: they must be changed or deleted first."),
  since: SHOWN_TIME.nullable().describe("When the oldest of them was recorded."),
  copies: z
    .array(COPY)
    .describe("Copies made since then, which Daybook does not manage; newest first, at most 100."),
});

const ERASURE = z.object({
  id: z.string().describe("Stands for the person in sums and credit from now on."),
  state: z.enum(["pending", "finished"]),
  waiting_for: z
    .enum(["legal_hold", "policy", "store", "journal", "running_requests", "another_process"])
    .nullable()
    .describe("Why it is not finished, where it has been tried."),
  events: z.int().describe("Events that were erased."),
  reason: z.string().nullable(),
  created_at: SHOWN_TIME,
  finished_at: SHOWN_TIME.nullable(),
  copies: PLAN.shape.copies,
});

const USER = z
  .string()
  .min(1)
  .max(255)
  .describe("A user by id or name, or anybody by the `user_id` of events.");

const ENTITY = { entityType: "erasure" } as const;
const MAX_COPIES = 100;

export const ERASURE_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/admin/erasures",
    access: ["admin", "audit:read"],
    audit: REQUEST,
    query: PAGE_QUERY,
    answers: z.array(ERASURE.omit({ copies: true })),
    about: "Erasures, newest first. None says whose data it is about.",
    answer: (call) => listPage(call, (page) => call.parts.erasures.list(page), shown),
  }),
  route({
    method: "POST",
    path: "/admin/erasures",
    access: ["admin"],
    audit: REQUEST,
    changes: { ...ENTITY, action: "erasure_requested" },
    body: z.object({
      user_id: USER,
      justification: JUSTIFICATION,
    }),
    answers: ERASURE,
    status: 202,
    about:
      "Erases a person: the user with sessions, keys and tokens at once, then the personal and content-derived fields of the person's events, in the store and in journals. 409 while a legal hold has some of them, or a policy names the person.",
    async answer({ parts, actor, body: { user_id, justification } }) {
      const { person, held, since } = await tracesOf(parts, user_id);
      if (held > 0)
        throw new DaybookError(
          "conflict",
          `${held} events of this person are under a legal hold: release it first.`,
        );
      const naming = parts.policies.naming(person.id);
      if (naming.length > 0)
        throw new DaybookError(
          "conflict",
          `This person is named by a policy (${naming.join(", ")}): change or delete it first.`,
        );
      const about = { reason: justification ?? null, since };
      const erasure = await parts.erasures.request(actor, person, about);
      return { ...shown(erasure), copies: await copiesSince(parts, since) };
    },
  }),
  route({
    method: "POST",
    path: "/admin/erasures/plan",
    access: ["admin"],
    audit: REQUEST,
    acts: true,
    body: z.object({ user_id: USER }),
    answers: PLAN,
    about: "What an erasure of a person would find now. Changes nothing.",
    async answer({ parts, body }) {
      const { person, events, held, since } = await tracesOf(parts, body.user_id);
      const policies = parts.policies.naming(person.id);
      return { events, held, policies, since: shownTime(since), copies: await copiesSince(parts, since) };
    },
  }),
  route({
    method: "GET",
    path: "/admin/erasures/:id",
    access: ["admin", "audit:read"],
    audit: REQUEST,
    answers: ERASURE,
    about: "One erasure, or 404.",
    async answer({ parts, params }) {
      const erasure = await parts.erasures.get(params.id ?? "");
      return { ...shown(erasure), copies: await copiesSince(parts, erasure.since) };
    },
  }),
];

async function tracesOf({ erasures, holds, reader }: ApiParts, userId: string) {
  const person = await erasures.person(userId);
  const found = await reader.traces({ userId: person.id, pseudonym: "", holds: filtersOf(holds) });
  return { person, ...found };
}

/** What was taken out of Daybook while it had something of the person. */
async function copiesSince({ reader }: ApiParts, since: number | null): Promise<z.output<typeof COPY>[]> {
  if (since === null) return [];
  const { events } = await reader.query({
    where: { kind: ["system"], action: ["backed_up", "exported"] },
    since,
    limit: MAX_COPIES,
  });
  return events.map(({ action, recorded_at, event_id }) => ({ action, at: isoTime(recorded_at), event_id }));
}

function shown(erasure: Erasure): Omit<z.output<typeof ERASURE>, "copies"> {
  const { id, waitingFor, events, reason, createdAt, finishedAt } = erasure;
  return {
    id,
    state: finishedAt === null ? "pending" : "finished",
    waiting_for: waitingFor as z.output<typeof ERASURE>["waiting_for"],
    events,
    reason,
    created_at: shownTime(createdAt),
    finished_at: shownTime(finishedAt),
  };
}
