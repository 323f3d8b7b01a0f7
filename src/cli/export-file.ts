// An export written to a file, or to standard output: of this machine's store, or of another Daybook. A file is there
// whole or not at all, for this user's eyes only.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { open, rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { Writable } from "node:stream";
import { createClient } from "../client/client.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { filterNames } from "../query/filter.ts";
import { parseFilter } from "../query/parameters.ts";
import { Exporter, type RunningExport } from "../read/export/exporter.ts";
import { type FileForm, formOfName } from "../read/export/formats.ts";
import { openStore } from "../stores/open-store.ts";
import { countOf } from "./amounts.ts";
import { type Progress, showProgress } from "./progress.ts";
import { type Remote, remoteFailure } from "./remote.ts";
import { trailingFetch } from "./trailing-fetch.ts";

/** What there is to write, and what it must be in the end. */
interface Source {
  /** `rows`: events so far, where that is known. */
  readonly chunks: AsyncIterable<{ readonly bytes: Uint8Array; readonly rows: number | null }>;
  /** How many events there are, as far as sums know; null: nobody does before the end. */
  total(): Promise<number | null>;
  /** After the last chunk. Rejects when they are not the whole export. */
  end(sha256: string): Promise<{ readonly rows: number }>;
}

export interface ExportScreen {
  readonly cwd: string;
  readonly out: Writable;
  readonly err: Writable & { readonly isTTY?: boolean };
}

/** The form that a file's name asks for, or that flags name. Throws `bad_argument`. */
export function formOf(file: string | undefined, format?: string, compression?: string): FileForm {
  const named = file === undefined ? null : formOfName(file);
  if (format === undefined && file !== undefined && named === null)
    throw new DaybookError(
      "bad_argument",
      `Nothing says which format ${file} is to have: end it in .csv, .jsonl, .json or .parquet, or give --format.`,
    );
  const form = {
    format: format ?? named?.format ?? "jsonl",
    compression: compression ?? named?.compression ?? "none",
  };
  return form as FileForm;
}

/** Writes the export to `file`, or to standard output; says on the screen what it was. */
export async function writeExport(
  { cwd, out, err }: ExportScreen,
  file: string | undefined,
  source: Source,
): Promise<void> {
  const path = file === undefined ? null : resolve(cwd, file);
  const part = `${path}.part`;
  const hash = createHash("sha256");
  try {
    const opened = path === null ? null : await open(part, "w", 0o600);
    const progress = opened === null || err.isTTY !== true ? null : await progressOf(source, err);
    try {
      let size = 0;
      for await (const { bytes, rows } of source.chunks) {
        hash.update(bytes);
        size += bytes.length;
        if (opened !== null) await opened.writeFile(bytes);
        else if (!out.write(bytes)) await once(out, "drain");
        progress?.update(rows ?? size);
      }
      await opened?.sync();
    } finally {
      progress?.stop();
      await opened?.close();
    }
    const sha256 = hash.digest("hex");
    const { rows } = await source.end(sha256);
    if (path === null) return;
    await rename(part, path);
    err.write(`${countOf(rows, "event")} in ${file} (sha256 ${sha256})\n`);
  } catch (error) {
    if (path !== null) await rm(part, { force: true });
    if (error instanceof DaybookError) throw error;
    const where = file ?? "the export";
    throw new DaybookError("bad_argument", `Cannot write ${where} (${nativeCode(error)}).`, { cause: error });
  }
}

/** Of events where their number is known, else of bytes. */
async function progressOf(
  source: Source,
  screen: ExportScreen["err"],
): Promise<Pick<Progress, "update" | "stop">> {
  // What cannot be counted can still be exported, or says itself why not.
  const total = await source.total().catch(() => null);
  if (total !== null) return showProgress(screen, total, "events");
  const clear = "\r\u001b[K";
  return {
    update: (bytes) => screen.write(`${clear}${(bytes / 1e6).toFixed(1)} MB`),
    stop: () => screen.write(clear),
  };
}

/** The export of a store on this machine; `told` records it before its end. */
export function localExport(
  store: string,
  form: FileForm,
  parameters: URLSearchParams,
  now: number,
  told: (what: Record<string, string | number>) => Promise<boolean>,
): Source {
  const filter = parseFilter(parameters, now);
  const running = new Exporter(store).start({ ...form, filter });
  return {
    chunks: withRows(running),
    async total() {
      const opened = await openStore(store, "read");
      try {
        return (await opened.stats(filter)).totalRequests;
      } finally {
        await opened.close();
      }
    },
    async end(sha256) {
      const { rows = 0, bytes = 0 } = running.summary ?? {};
      const names = filterNames(filter).join(",");
      const what = { ...form, ...(names === "" ? {} : { filters: names }), rows, bytes, sha256 };
      if (!(await told(what))) throw new DaybookError("audit_unavailable", "the export was not kept");
      return { rows };
    },
  };
}

async function* withRows(running: RunningExport) {
  for await (const { bytes, point } of running) yield { bytes, rows: point.rows };
}

/** An export of little out of much begins late. */
const LATE_MS = 2 ** 31 - 1;

/** The export of another Daybook, checked against what it says at the end. Rejects with `remote_failed`. */
export async function remoteExport(
  remote: Remote,
  form: FileForm,
  parameters: URLSearchParams,
): Promise<Source> {
  const { fetch, trailers } = trailingFetch();
  const failed = (what: string, cause?: unknown) =>
    new DaybookError("remote_failed", `at ${remote.url.origin} ${what}`, { cause });
  const { format, ...more } = form;
  const { body } = await createClient({ url: remote.url, token: remote.token, fetch, timeoutMs: LATE_MS })
    .export(parameters, format, { parameters: more })
    .catch((error: unknown) => {
      throw remoteFailure(error, remote);
    });
  const chunks = async function* () {
    try {
      for await (const bytes of body ?? []) yield { bytes, rows: null };
    } catch (error) {
      throw failed("broke off", error);
    }
  };
  return {
    chunks: chunks(),
    total: async () => null,
    async end(sha256) {
      const { "x-export-sha256": said, "x-export-rows": rows } = trailers();
      if (said !== sha256) throw failed("sent something else than it says");
      return { rows: Number(rows) };
    },
  };
}
