// An export written to a file, or to standard output: of this machine's store, or of another Daybook. A file is there
// whole or not at all, for this user's eyes only.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { open, rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { Writable } from "node:stream";
import { request } from "undici";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { filterNames } from "../query/filter.ts";
import { parseFilter } from "../query/parameters.ts";
import { Exporter } from "../read/export/exporter.ts";
import { type FileForm, formOfName } from "../read/export/formats.ts";
import { countOf } from "./amounts.ts";
import { type Remote, refusedBy, targetOf } from "./remote.ts";

/** What there is to write, and what it must be in the end. */
interface Source {
  readonly chunks: AsyncIterable<Uint8Array>;
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
  let bytes = 0;
  try {
    const opened = path === null ? null : await open(part, "w", 0o600);
    try {
      for await (const chunk of source.chunks) {
        hash.update(chunk);
        bytes += chunk.length;
        if (opened !== null) await opened.writeFile(chunk);
        else if (!out.write(chunk)) await once(out, "drain");
        if (opened !== null && err.isTTY) err.write(`\r${(bytes / 1e6).toFixed(1)} MB`);
      }
      await opened?.sync();
    } finally {
      await opened?.close();
    }
    const sha256 = hash.digest("hex");
    const { rows } = await source.end(sha256);
    if (path === null) return;
    await rename(part, path);
    err.write(`${err.isTTY ? "\r" : ""}${countOf(rows, "event")} in ${file} (sha256 ${sha256})\n`);
  } catch (error) {
    if (path !== null) await rm(part, { force: true });
    if (error instanceof DaybookError) throw error;
    const where = file ?? "the export";
    throw new DaybookError("bad_argument", `Cannot write ${where} (${nativeCode(error)}).`, { cause: error });
  }
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
    chunks: bytesOf(running),
    async end(sha256) {
      const { rows = 0, bytes = 0 } = running.summary ?? {};
      const names = filterNames(filter).join(",");
      const what = { ...form, ...(names === "" ? {} : { filters: names }), rows, bytes, sha256 };
      if (!(await told(what))) throw new DaybookError("audit_unavailable", "the export was not kept");
      return { rows };
    },
  };
}

async function* bytesOf(chunks: AsyncIterable<{ readonly bytes: Uint8Array }>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of chunks) yield bytes;
}

/** The export of another Daybook, checked against what it says at the end. Rejects with `remote_failed`. */
export async function remoteExport(
  remote: Remote,
  form: FileForm,
  parameters: URLSearchParams,
): Promise<Source> {
  const target = targetOf(remote, "/admin/audit-logs/export");
  target.search = new URLSearchParams([...parameters, ...Object.entries(form)]).toString();
  const failed = (what: string, cause?: unknown) =>
    new DaybookError("remote_failed", `at ${target.origin} ${what}`, { cause });
  const headers = { authorization: `Bearer ${remote.token}` };
  const { statusCode, body, trailers } = await request(target, { headers, bodyTimeout: 0 }).catch(
    (error: unknown) => {
      throw failed(`cannot be reached (${nativeCode(error)})`, error);
    },
  );
  if (statusCode !== 200) throw refusedBy(target.origin, statusCode, await body.json().catch(() => null));
  const chunks = async function* () {
    try {
      yield* body as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw failed("broke off", error);
    }
  };
  return {
    chunks: chunks(),
    async end(sha256) {
      if (trailers["x-export-sha256"] !== sha256) throw failed("sent something else than it says");
      return { rows: Number(trailers["x-export-rows"]) };
    },
  };
}
