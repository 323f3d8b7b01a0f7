// Exports: everything that matches, without a cap, as a download that streams, or as a job whose file is fetched later.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { Readable } from "node:stream";
import * as z from "zod";
import { DaybookError } from "../../event/errors.ts";
import { failed } from "../../event/outcomes.ts";
import { filterNames } from "../../query/filter.ts";
import { parseFilter } from "../../query/parameters.ts";
import type { ExportOrder, RunningExport } from "../../read/export/exporter.ts";
import { COMPRESSIONS, endingOf, FORMAT_NAMES, FORMATS, mediaTypeOf } from "../../read/export/formats.ts";
import { QUERIED } from "../audit.ts";
import { hiddenFrom, withinReach } from "../authorize.ts";
import { Refusal } from "../problem.ts";
import { alsoAt, type Call, holderOf, type Route, route } from "../route.ts";
import { JOB, shownJob } from "./jobs.ts";

const EXPORTED = { kind: "system", action: "exported" } as const;
const FILE_NAME = "audit-logs";

const FORM = z.object({
  format: z
    .enum(FORMAT_NAMES)
    .default("jsonl")
    .describe(FORMAT_NAMES.map((name) => `\`${name}\`: ${FORMATS[name].about}`).join("; ")),
  compression: z
    .enum(COMPRESSIONS)
    .default("none")
    .describe("Of the file; Parquet is compressed inside already."),
});

const ORDER = FORM.extend({
  filter: z.string().max(8192).default("").describe("Which events, as the query string of a list."),
  target: z
    .string()
    .optional()
    .describe("Where the file goes, by its name in the configuration; without it, it stays with the job."),
});

const DIRECT: Route = route({
  method: "GET",
  path: "/admin/audit-logs/export",
  access: ["audit:read", "own"],
  audit: EXPORTED,
  takes: "filter",
  query: FORM,
  about:
    "Every event that matches, newest first, as of now, as a file that streams. `X-As-Of` says what it covers, as with lists; the trailers `X-Export-Rows` and `X-Export-Sha256` say what it should be when it is whole. An answer that is cut off is no whole export.",
  answer: direct,
});

export const EXPORT_ROUTES: readonly Route[] = [
  DIRECT,
  ...alsoAt([DIRECT], "/admin/audit-logs/export", "/admin/audit/export"),
  ...alsoAt([DIRECT], "/admin/audit-logs/export", "/api/system/audit-logs/export"),
  route({
    method: "POST",
    path: "/admin/exports",
    access: ["audit:read"],
    audit: EXPORTED,
    acts: true,
    body: ORDER,
    answers: JOB,
    status: 202,
    about:
      "Starts an export as a job, which outlasts connections and restarts. Its file is fetched when it is done.",
    answer: startJob,
  }),
  route({
    method: "GET",
    path: "/admin/exports/:id/file",
    access: ["audit:read"],
    audit: QUERIED,
    about: "The file that an export's job has made. `409` while it is not done.",
    answer: (call) => file(call, (result) => String(result.file)),
  }),
  route({
    method: "GET",
    path: "/admin/exports/:id/manifest",
    access: ["audit:read"],
    audit: QUERIED,
    about:
      "What the file of an export's job holds: format, filter, events, bytes, SHA-256, and the positions it covers.",
    answer: (call) => file(call, () => "manifest.json"),
  }),
];

async function direct(call: Call<z.output<typeof FORM>>): Promise<Readable> {
  const { parts, audit, search, query, reply } = call;
  const holder = holderOf(call);
  const filter = withinReach(holder, parseFilter(search, parts.now()));
  refuseDouble(query);
  const asOf = Object.fromEntries((await parts.reader.positions()).map(({ nodeId, seq }) => [nodeId, seq]));
  const order: ExportOrder = { ...query, filter, asOf, hidden: hiddenFrom(holder) };
  const names = filterNames(filter);
  const { format, compression } = query;
  const about = { format, compression, ...(names.length === 0 ? {} : { filters: names.join(",") }) };
  audit?.note({ metadata: about });
  const running = parts.exporter.start(order);
  reply
    .type(mediaTypeOf(query))
    .header("content-disposition", `attachment; filename=${FILE_NAME}${endingOf(query)}`)
    .header("x-as-of", asOfText(asOf))
    .trailer("x-export-rows", async () => String(running.summary?.rows ?? ""))
    .trailer("x-export-sha256", async () => running.summary?.sha256 ?? "");
  return Readable.from(bytesOf(call, running, about), { objectMode: false, highWaterMark: 1 << 20 });
}

/** The bytes of an export; in the end its event says what it was. */
async function* bytesOf(
  { audit, parts, request, reply }: Call,
  running: RunningExport,
  about: Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const { bytes } of running) yield bytes;
    if (running.summary !== null) {
      const { rows, bytes, sha256 } = running.summary;
      audit?.note({ metadata: { ...about, rows, bytes, sha256 } });
    }
  } catch (error) {
    // A client that left ends the export's thread, which is nobody's fault.
    if (reply.raw.destroyed) throw error;
    // The answer is cut off, which is all that can be done once it has begun; it is our fault, not the client's.
    if (audit !== null) audit.cut = failed("infrastructure_error");
    parts.report?.(error, request.id);
    throw error;
  }
}

async function startJob({ parts, body, audit, holder }: Call<undefined, z.output<typeof ORDER>>) {
  const { target, filter: text, ...form } = body;
  refuseDouble(form);
  if (target !== undefined) parts.targets.check(target);
  const reach = parseFilter(new URLSearchParams(text), parts.now());
  const filter = holder === null ? reach : withinReach(holder, reach);
  const filters = filterNames(filter).join(",");
  const about = {
    ...form,
    ...(filters === "" ? {} : { filters }),
    ...(target === undefined ? {} : { target }),
  };
  audit?.note({ metadata: about });
  return shownJob(await parts.jobs.start("export", about, { ...form, filter, target }));
}

async function file(
  { parts, params, reply }: Call,
  nameOf: (result: Readonly<Record<string, unknown>>) => string,
) {
  const job = parts.jobs.get(params.id ?? "");
  if (job.kind !== "export") throw new DaybookError("unknown_entity", "export with this id");
  if (job.result === null)
    throw new Refusal("conflict", { detail: `The export is ${job.state}: it has no file yet.` });
  const path = parts.jobs.file(job.id, nameOf(job.result));
  if (path === null)
    throw new DaybookError("unknown_entity", "file of this export: it was delivered elsewhere");
  const { size } = await stat(path);
  reply
    .type(path.endsWith(".json") ? "application/json" : "application/octet-stream")
    .header("content-length", size)
    .header("content-disposition", `attachment; filename=${basename(path)}`);
  return createReadStream(path);
}

function refuseDouble({ format, compression }: z.output<typeof FORM>): void {
  if (format !== "parquet" || compression === "none") return;
  throw new Refusal("invalid_request", { detail: "Parquet is compressed inside: leave compression out." });
}

function asOfText(asOf: Readonly<Record<string, number>>): string {
  return Object.entries(asOf)
    .map(([nodeId, seq]) => `${nodeId}=${seq}`)
    .join(", ");
}
