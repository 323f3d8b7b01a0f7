// Evidence: checkpoints, keys, anchors and proofs; verification and bundles as jobs.
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import * as z from "zod";
import { DaybookError } from "../../event/errors.ts";
import { parseBound } from "../../query/instants.ts";
import type { SealedLog } from "../../stores/store.ts";
import type { AuditKind } from "../audit.ts";
import { REQUEST } from "../audit.ts";
import { type Call, type Route, route } from "../route.ts";
import { SHOWN_TIME, shownTime } from "../values.ts";
import { JOB, shownJob } from "./jobs.ts";

const VERIFIED: AuditKind = { kind: "system", action: "verified" };
const EXPORTED: AuditKind = { kind: "system", action: "exported" };
const READING = { method: "GET", access: ["audit:read", "admin"], audit: REQUEST } as const;
const NODE = z.object({ node_id: z.string().optional().describe("Of this node's log alone.") });

const CHECKPOINT = z.object({
  node_id: z.string(),
  size: z.int().describe("Events that it covers."),
  at: SHOWN_TIME,
  note: z.string().describe("The signed note (C2SP)."),
});

const REPORT = z.looseObject({
  node_id: z.string(),
  place: z.string(),
  state: z.string(),
  exit_code: z.int(),
});
const BOUND = z
  .string()
  .optional()
  .describe("A time, or a span before now: only events of then are compared.");

export const EVIDENCE_ROUTES: readonly Route[] = [
  route({
    ...READING,
    path: "/admin/evidence/checkpoints",
    query: NODE.extend({
      limit: z.coerce.number().int().min(1).max(1000).default(100).describe("Of each log."),
    }),
    answers: z.array(CHECKPOINT),
    about: "Signed checkpoints as the store has them: the last of each hour and log, newest first.",
    async answer({ parts, query: { node_id, limit } }) {
      return (await logsOf(parts.evidence.seals(), node_id)).flatMap(({ nodeId, checkpoints }) =>
        checkpoints
          .slice(-limit)
          .reverse()
          .map(({ size, at, note }) => ({ node_id: nodeId, size, at: shownTime(at), note })),
      );
    },
  }),
  route({
    ...READING,
    path: "/admin/evidence/keys",
    query: NODE,
    answers: z.array(
      z.object({ node_id: z.string(), keys: z.string().describe("The key chain, as in a bundle.") }),
    ),
    about: "The public keys of every log, with how each handed over to the next.",
    answer: async ({ parts, query: { node_id } }) =>
      (await logsOf(parts.evidence.seals(), node_id)).flatMap(({ nodeId, keys }) =>
        keys === null ? [] : [{ node_id: nodeId, keys }],
      ),
  }),
  route({
    ...READING,
    path: "/admin/evidence/anchors",
    answers: z.object({
      warning: z.string().nullable(),
      places: z.array(
        z.object({
          kind: z.string(),
          index: z.int().describe("Place in the configuration, from 0."),
          anchored_at: SHOWN_TIME.nullable(),
          trouble: z.string().nullable(),
        }),
      ),
    }),
    about: "The places outside that are told what the logs are, and how that goes.",
    async answer({ parts }) {
      const places = parts.evidence.anchors();
      return {
        warning:
          places.length > 0
            ? null
            : "Nothing outside knows these logs: that the end of one was cut off, or all of it removed, could not be seen. Set anchors in daybook.yaml.",
        places: places.map(({ kind, index, at, trouble }) => ({
          kind,
          index,
          anchored_at: at === 0 ? null : shownTime(at),
          trouble,
        })),
      };
    },
  }),
  route({
    ...READING,
    path: "/admin/evidence/proofs/:event_id",
    audit: EXPORTED,
    answers: z.looseObject({ format: z.string() }),
    about: "The proof that an event was recorded and sealed, for `daybook verify` or anybody's own verifier.",
    answer: ({ parts, params }) => parts.evidence.proof(params.event_id ?? ""),
  }),
  route({
    method: "POST",
    path: "/admin/evidence/verify",
    access: ["audit:read", "admin"],
    audit: VERIFIED,
    acts: true,
    body: z.object({ since: BOUND, until: BOUND }),
    answers: JOB,
    status: 202,
    about:
      "Verifies the store and the logs of the data folder, against anchor files of the configuration, as a job; its result has the worst state.",
    async answer({ parts, body: { since, until } }) {
      const range = { ...bounded(parts.now(), "since", since), ...bounded(parts.now(), "until", until) };
      return shownJob(await parts.jobs.start("verify", range, range));
    },
  }),
  route({
    ...READING,
    path: "/admin/evidence/reports/:id",
    answers: z.array(REPORT),
    about: "What a verification has found of each log, by the id of its job; 404 before it is done.",
    async answer(call) {
      return JSON.parse(await readFile(made(call, "verify", "reports.json"), "utf8")) as z.output<
        typeof REPORT
      >[];
    },
  }),
  route({
    method: "POST",
    path: "/admin/evidence/bundle",
    access: ["audit:read", "admin"],
    audit: EXPORTED,
    acts: true,
    body: z.object({}),
    answers: JOB,
    status: 202,
    about: "Makes a bundle of all events with what proves them, as a job.",
    answer: async ({ parts }) => shownJob(await parts.jobs.start("bundle", {}, {})),
  }),
  route({
    ...READING,
    path: "/admin/evidence/bundles/:id",
    about: "A bundle (JSON lines), by the id of its job; 404 before it is done.",
    async answer(call) {
      const path = made(call, "bundle", "bundle.jsonl");
      call.reply
        .type("application/jsonl")
        .header("content-disposition", `attachment; filename="daybook-${call.params.id}.bundle.jsonl"`);
      return createReadStream(path);
    },
  }),
];

async function logsOf(seals: Promise<SealedLog[]>, nodeId: string | undefined): Promise<SealedLog[]> {
  return (await seals).filter((log) => nodeId === undefined || log.nodeId === nodeId);
}

function bounded(now: number, name: "since" | "until", text: string | undefined) {
  if (text === undefined) return {};
  const bound = parseBound(text, now, name === "since" ? "up" : "down");
  if (bound === null) throw new DaybookError("bad_argument", `${name} is no time.`);
  return { [name]: bound };
}

/** The file that a job of this kind has made. */
function made({ parts, params }: Pick<Call, "parts" | "params">, kind: string, name: string): string {
  const id = params.id ?? "";
  const job = parts.jobs.get(id);
  const path = job.kind === kind && job.state === "done" ? parts.jobs.file(id, name) : null;
  if (path === null) throw new DaybookError("unknown_entity", "such result: see GET /admin/jobs");
  return path;
}
