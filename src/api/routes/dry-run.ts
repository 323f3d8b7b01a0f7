// What policies would have said of the trail. The work is done between other requests: a page at a time is read by the
// reader's thread, and the judging gives way whenever it has taken some milliseconds.
import { setImmediate as giveWay } from "node:timers/promises";
import * as z from "zod";
import { DaybookError } from "../../event/errors.ts";
import { isoTime } from "../../event/json.ts";
import { type Change, DryRun } from "../../policy/dry-run.ts";
import { policySchema } from "../../policy/policy.ts";
import type { EventQuery } from "../../query/filter.ts";
import { parseFilter } from "../../query/parameters.ts";
import { QUERIED } from "../audit.ts";
import { type Call, type Route, route } from "../route.ts";

const MAX_POLICIES = 200;
const MAX_EVENTS = 100_000;
const PAGE = 500;
/** Units of work (policy/meter.ts) after which others have their turn: about 2 ms. */
const TURN = 20_000;

const DECISION = z.enum(["n/a", "allow", "warn", "deny"]);

const BODY = z.object({
  policies: z
    .array(policySchema)
    .max(MAX_POLICIES)
    .default([])
    .describe("Proposals: each stands for the policy of its name, and after the others where there is none."),
  only: z.boolean().default(false).describe("Judge by the proposals alone."),
  q: z.string().max(4096).optional().describe("Which events, as one line of text: `model:gpt-* since:7d`."),
  max_events: z.int().min(1).max(MAX_EVENTS).default(10_000).describe("The newest of them are judged."),
});

const ANSWER = z.object({
  judged: z.number().describe("Events that policies are asked of."),
  not_asked: z.number().describe("Refused before policies are asked, such as for a wrong key."),
  unchanged: z.number(),
  changed: z.number(),
  unknown: z
    .number()
    .describe(
      "It hangs on what the trail does not keep: `max_tokens`, `tools`, `request_size`, hidden arguments.",
    ),
  complete: z.boolean().describe("Whether there were no more events."),
  transitions: z.array(
    z.object({ was: DECISION, would_be: z.enum([...DECISION.options, "unknown"]), count: z.number() }),
  ),
  examples: z
    .array(
      z.object({
        event_id: z.string(),
        recorded_at: z.string(),
        kind: z.string(),
        action: z.string(),
        name: z.string().nullable(),
        model: z.string().nullable(),
        was: z.object({ decision: DECISION, policies: z.array(z.string()) }),
        would_be: z.object({
          decision: z.string(),
          reason: z.string().nullable(),
          policies: z.array(z.string()),
        }),
      }),
    )
    .describe("The newest that change."),
});

type Body = z.output<typeof BODY>;

export const DRY_RUN_ROUTES: readonly Route[] = [
  route({
    method: "POST",
    path: "/admin/policies/dry-run",
    access: ["audit:read"],
    audit: QUERIED,
    acts: true,
    body: BODY,
    answers: ANSWER,
    about:
      "What the policies, and those that are proposed, would have said of events of the trail. Nothing changes; what cannot be told from what is kept is counted as `unknown`.",
    answer: run,
  }),
];

async function run({ parts, body, request }: Call<undefined, Body>): Promise<z.output<typeof ANSWER>> {
  const { policies, reader } = parts;
  const proposed = body.policies.map((given) => policies.checked(given));
  const dryRun = new DryRun(policies.with(proposed, body.only));
  const { meter } = policies.conditions;
  let left = body.max_events;
  let worked = 0;
  let query: EventQuery | null = firstPage(body, parts.now());
  while (query !== null && left > 0) {
    if (request.raw.destroyed) throw new DaybookError("bad_query", "Nobody waits for the answer.");
    const { events, next, asOf } = await reader.query({ ...query, limit: Math.min(PAGE, left) });
    for (const event of events) {
      dryRun.add(event);
      worked += 100 + meter.spent;
      if (worked < TURN) continue;
      worked = 0;
      await giveWay();
    }
    left -= events.length;
    query = next === null ? null : { ...query, after: next, asOf };
  }
  return shown(dryRun, query === null);
}

function firstPage({ q }: Body, now: number): EventQuery {
  const filter = parseFilter(new URLSearchParams(q === undefined ? {} : { q }), now);
  const kinds = filter.where.kind ?? ["inference", "mcp"];
  return { ...filter, where: { ...filter.where, kind: kinds }, limit: PAGE };
}

function shown({ totals }: DryRun, complete: boolean): z.output<typeof ANSWER> {
  const { judged, notAsked, unchanged, changed, unknown, transitions, examples } = totals;
  return {
    judged,
    not_asked: notAsked,
    unchanged,
    changed,
    unknown,
    complete,
    transitions: transitions.map(({ was, wouldBe, count }) => ({ was, would_be: wouldBe, count })),
    examples: examples.map(example),
  };
}

function example({ event, would }: Change): z.output<typeof ANSWER>["examples"][number] {
  const { event_id, recorded_at, kind, action, name, model, policy_decision, policies } = event;
  return {
    event_id,
    recorded_at: isoTime(recorded_at),
    kind,
    action,
    name,
    model,
    was: {
      decision: DECISION.parse(policy_decision),
      policies: policies === null ? [] : (JSON.parse(policies) as string[]),
    },
    would_be: { ...would, policies: [...would.policies] },
  };
}
