// The work of an export's job: a file in the job's folder with its manifest, and its delivery where it has a target. It
// goes on after the last part that is safely on the disk, as of the moment when it began.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { JobFacts } from "../api/jobs.ts";
import { daybookVersion } from "../config/version.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { isoTime } from "../event/json.ts";
import type { SystemAction } from "../event/system.ts";
import type { AsOf, EventFilter } from "../query/filter.ts";
import type { Exporter, ExportOrder, ExportPoint } from "../read/export/exporter.ts";
import { endingOf, type FileForm } from "../read/export/formats.ts";
import type { Reader } from "../read/reader.ts";
import type { JobContext, JobKind } from "./jobs.ts";
import type { Targets } from "./targets.ts";

/** JSON. */
export interface ExportInput extends FileForm {
  readonly filter: EventFilter;
  /** Where the file goes, by its name in the configuration; else it stays with the job. */
  readonly target?: string;
  /** Whose files it belongs to: that many of them are kept there. */
  readonly series?: { readonly id: string; readonly name: string; readonly keep: number | null };
  /** Only what an export as of then did not have. */
  readonly beyond?: AsOf;
}

export interface ExportJobParts {
  readonly exporter: Pick<Exporter, "start">;
  readonly reader: Pick<Reader, "positions" | "stats">;
  readonly recorder: {
    system(action: SystemAction, metadata: Record<string, number | string>): Promise<boolean>;
  };
  readonly targets: Targets;
  readonly now: () => number;
  /** Told of an export that belongs to a schedule when it is over; `asOf`: what it covers, null when it failed. */
  readonly onSeries: (id: string, asOf: AsOf | null, code: string) => Promise<void>;
}

/** What a job keeps to go on with. */
interface Saved {
  readonly startedAt: number;
  readonly asOf: AsOf;
  readonly point: ExportPoint | null;
}

interface Made {
  readonly path: string;
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** A power cut costs no more than these chunks, and syncing no more than a few per cent. */
const CHUNKS_PER_SAVE = 25;
export const MANIFEST = "manifest.json";

export function exportJob(parts: ExportJobParts): JobKind {
  return {
    grant: "audit:read",
    run: async (given, context) => {
      const input = given as ExportInput;
      try {
        return await exported(parts, input, context);
      } catch (error) {
        if (!context.signal.aborted) await tellFailure(parts, input, context, error);
        throw error;
      }
    },
  };
}

async function exported(parts: ExportJobParts, input: ExportInput, context: JobContext): Promise<JobFacts> {
  const begun = (context.saved as Saved | null) ?? (await begin(parts, context));
  const made = await makeFile(parts, input, context, begun);
  const { rows, bytes, sha256, name } = made;
  const manifest = manifestOf(input, begun, made, context.id);
  await writeFile(join(context.folder, MANIFEST), manifest, { mode: 0o600, flush: true });
  if (input.target !== undefined) {
    await parts.targets.deliver(input.target, made.path, manifest, context.signal);
    if (input.series?.keep) await parts.targets.keepLast(input.target, seriesOf(input), input.series.keep);
    await rm(made.path);
  }
  if (input.series !== undefined) await parts.onSeries(input.series.id, begun.asOf, "");
  const { format, compression, target } = input;
  const what = { format, compression, rows, bytes, sha256, ...(target === undefined ? {} : { target }) };
  await parts.recorder.system("exported", { job: context.id, ...what });
  return { file: name, rows, bytes, sha256, target: target ?? null };
}

async function begin({ reader, now }: ExportJobParts, context: JobContext): Promise<Saved> {
  const positions = await reader.positions();
  const asOf = Object.fromEntries(positions.map(({ nodeId, seq }) => [nodeId, seq]));
  const saved: Saved = { startedAt: now(), asOf, point: null };
  await context.save(saved);
  return saved;
}

async function makeFile(
  { exporter, reader }: ExportJobParts,
  input: ExportInput,
  { signal, folder, save, progress }: JobContext,
  { startedAt, asOf, point: from }: Saved,
): Promise<Made> {
  const { format, compression, filter, beyond } = input;
  const name = `${seriesOf(input)}${stampOf(startedAt)}${endingOf(input)}`;
  const path = join(folder, name);
  const order: ExportOrder = { format, compression, filter, asOf, beyond, from: from ?? undefined };
  const total = beyond === undefined ? (await reader.stats(filter)).totalRequests : null;
  await using file = await open(path, "a", 0o600);
  await file.truncate(from?.bytes ?? 0);
  const running = exporter.start(order);
  let chunks = 0;
  for await (const { bytes, point } of running) {
    signal.throwIfAborted();
    await writeAll(file, bytes);
    progress(point.rows, total);
    // The end of the log is not a place to go on from: then there is nothing left but the end of the file.
    if (++chunks % CHUNKS_PER_SAVE === 0 && point.canGoOn && point.after !== null) {
      await file.datasync();
      await save({ startedAt, asOf, point } satisfies Saved);
    }
  }
  await file.sync();
  const { summary } = running;
  if (summary === null) throw new DaybookError("worker_failed", "the export");
  progress(summary.rows, summary.rows);
  const sha256 = from === null ? summary.sha256 : await hashOf(path);
  return { path, name, rows: summary.rows, bytes: summary.bytes, sha256 };
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** What the names of its files begin with. */
function seriesOf({ series }: ExportInput): string {
  return `${series?.name ?? "audit-logs"}-`;
}

/** Basic format of ISO 8601, UTC: sorts by time, and fits every file system. */
function stampOf(ms: number): string {
  return isoTime(ms).replaceAll(/[-:]/g, "");
}

function manifestOf(
  { format, compression, filter, beyond }: ExportInput,
  { startedAt, asOf }: Saved,
  { name, rows, bytes, sha256 }: Made,
  job: string,
): string {
  const made = { made_by: `Daybook ${daybookVersion()}`, job, made_at: isoTime(startedAt) };
  const what = { file: name, format, compression, rows, bytes, sha256, filter };
  return `${JSON.stringify({ ...made, ...what, as_of: asOf, beyond: beyond ?? null }, null, 2)}\n`;
}

async function tellFailure(
  { recorder, onSeries }: ExportJobParts,
  { target, series }: ExportInput,
  { id: job }: JobContext,
  error: unknown,
): Promise<void> {
  const code = error instanceof DaybookError ? error.code : nativeCode(error);
  await recorder.system("export_failed", { job, code, ...(target === undefined ? {} : { target }) });
  if (series !== undefined) await onSeries(series.id, null, code);
}
