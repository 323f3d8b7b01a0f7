// A file from the server, read as it comes: how much is here is known, and it can be stopped.
import { daybook } from "#lib/api.ts";
import type { EventFilter } from "../../../../src/query/filter.ts";
import { writeFilter } from "../../../../src/query/parameters.ts";

export interface Format {
  readonly name: string;
  readonly about: string;
}

export const FORMATS: readonly Format[] = [
  { name: "jsonl", about: "JSON, an event a line: every field, exactly" },
  { name: "csv", about: "A table, safe to open in a spreadsheet" },
  { name: "json", about: "One JSON array" },
  { name: "parquet", about: "For analysis, by columns" },
];

/** The path of an export. */
export function exportPath(filter: EventFilter, format: string): string {
  const parameters = writeFilter(filter);
  parameters.set("format", format);
  return `/admin/audit-logs/export?${parameters}`;
}

/** Fetches `path` and gives it to the browser to keep. Rejects with a ClientError, or when it is cut off. */
export async function download(
  path: string,
  signal: AbortSignal,
  progress: (bytes: number) => void,
): Promise<void> {
  const [pathname = "", search = ""] = path.split("?", 2);
  const response = await daybook.ask(pathname, { query: new URLSearchParams(search), signal });
  const parts: Blob[] = [];
  let bytes = 0;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
    // Blobs may live on disk, so that a long file needs no memory.
    parts.push(new Blob([next.value as BlobPart]));
    bytes += next.value.length;
    progress(bytes);
  }
  const [, name = "audit-logs"] =
    /filename="?([^";]+)"?/.exec(response.headers.get("content-disposition") ?? "") ?? [];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: response.headers.get("content-type") ?? "" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
