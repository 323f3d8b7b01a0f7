// Jobs: work that outlasts its request, such as exports and verification. Each sort of work has a path of its own that
// starts it; here is what they have in common.
import * as z from "zod";
import { DaybookError } from "../../event/errors.ts";
import { REQUEST } from "../audit.ts";
import { JOB_STATES, type Job } from "../jobs.ts";
import { type Call, holderOf, type Route, route } from "../route.ts";
import { SHOWN_TIME, shownTime } from "../values.ts";

const FACTS = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

export const JOB = z.object({
  id: z.string(),
  kind: z.string().describe("What sort of work."),
  state: z.enum(JOB_STATES),
  about: FACTS.describe("What was asked for."),
  created_at: SHOWN_TIME,
  ended_at: SHOWN_TIME.nullable(),
  done: z.number(),
  total: z.number().nullable().describe("May grow; null: not known."),
  result: FACTS.nullable(),
  error: z.object({ code: z.string(), detail: z.string() }).nullable(),
  resumable: z.boolean(),
});

const COMMON = { access: ["audit:read", "admin"], audit: REQUEST } as const;

export const JOB_ROUTES: readonly Route[] = [
  route({
    ...COMMON,
    method: "GET",
    path: "/admin/jobs",
    answers: z.array(JOB),
    about: "Jobs that run, wait or are over, newest first: those that the holder may see.",
    answer: async (call) => call.parts.jobs.list().filter(visibleTo(call)).map(shownJob),
  }),
  route({
    ...COMMON,
    method: "GET",
    path: "/admin/jobs/:id",
    answers: JOB,
    about: "One job, with its progress.",
    answer: async (call) => shownJob(jobOf(call)),
  }),
  route({
    ...COMMON,
    method: "POST",
    path: "/admin/jobs/:id/cancel",
    acts: true,
    body: z.object({}),
    answers: JOB,
    about: "Stops a job. One that is over stays as it is.",
    answer: async (call) => shownJob(await call.parts.jobs.cancel(jobOf(call).id)),
  }),
  route({
    ...COMMON,
    method: "POST",
    path: "/admin/jobs/:id/resume",
    acts: true,
    body: z.object({}),
    answers: JOB,
    status: 202,
    about: "Goes on with a job that was cancelled or has failed, from where it was.",
    answer: async (call) => shownJob(await call.parts.jobs.resume(jobOf(call).id)),
  }),
  route({
    ...COMMON,
    method: "DELETE",
    path: "/admin/jobs/:id",
    acts: true,
    body: z.object({}),
    about: "Forgets a job and removes what it made; one that runs is cancelled first.",
    answer: (call) => call.parts.jobs.remove(jobOf(call).id),
  }),
];

/** As the API answers with it. */
export function shownJob(job: Job): z.output<typeof JOB> {
  const { id, kind, state, about, createdAt, endedAt, done, total, result, error, resumable } = job;
  const times = { created_at: shownTime(createdAt), ended_at: shownTime(endedAt) };
  return { id, kind, state, about, ...times, done, total, result, error, resumable };
}

function visibleTo(call: Call): (job: Job) => boolean {
  const { grants } = holderOf(call);
  return ({ grant }) => grants.has(grant);
}

/** Whether there is a job that one may not see is nobody's business. */
function jobOf(call: Pick<Call, "parts" | "params"> & Call<unknown, unknown>): Job {
  const job = call.parts.jobs.get(call.params.id ?? "");
  if (visibleTo(call)(job)) return job;
  throw new DaybookError("unknown_entity", "job with this id");
}
