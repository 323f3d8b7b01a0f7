// The formats of exports, as data, and how a file of each is called.
import { openCsv } from "./csv.ts";
import { openEcs } from "./ecs.ts";
import type { OpenEncoder } from "./encoder.ts";
import { openJson, openJsonLines } from "./json-lines.ts";
import { openOcsf } from "./ocsf.ts";
import { openParquet } from "./parquet.ts";

export const FORMAT_NAMES = ["jsonl", "json", "csv", "parquet", "ocsf", "ecs"] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

export const COMPRESSIONS = ["none", "gzip", "zstd"] as const;
export type Compression = (typeof COMPRESSIONS)[number];

interface Format {
  readonly mediaType: string;
  /** Of a file's name, without the dot. */
  readonly ending: string;
  readonly about: string;
  /** Events that are encoded at a time: what one chunk holds. */
  readonly partRows: number;
  readonly open: OpenEncoder;
}

/** Some 2 MB of text; a row group, which readers would rather have larger, and memory smaller. */
const TEXT_ROWS = 4000;
const GROUP_ROWS = 30_000;

// biome-ignore format: one format, one line
export const FORMATS: Readonly<Record<FormatName, Format>> = {
  jsonl: { mediaType: "application/jsonl", ending: "jsonl", partRows: TEXT_ROWS, open: openJsonLines, about: "JSON, one event a line, as the API shows it" },
  json: { mediaType: "application/json", ending: "json", partRows: TEXT_ROWS, open: openJson, about: "one JSON array" },
  csv: { mediaType: "text/csv", ending: "csv", partRows: TEXT_ROWS, open: openCsv, about: "CSV, safe to open with a spreadsheet" },
  parquet: { mediaType: "application/vnd.apache.parquet", ending: "parquet", partRows: GROUP_ROWS, open: openParquet, about: "Parquet, compressed inside" },
  ocsf: { mediaType: "application/jsonl", ending: "ocsf.jsonl", partRows: TEXT_ROWS, open: openOcsf, about: "OCSF 1.8 (API Activity), one event a line" },
  ecs: { mediaType: "application/x-ndjson", ending: "ecs.ndjson", partRows: TEXT_ROWS, open: openEcs, about: "Elastic Common Schema, one event a line" },
};

const COMPRESSED = {
  none: { ending: "", mediaType: null },
  gzip: { ending: ".gz", mediaType: "application/gzip" },
  zstd: { ending: ".zst", mediaType: "application/zstd" },
} as const;

export interface FileForm {
  readonly format: FormatName;
  readonly compression: Compression;
}

/** The end of a file's name. */
export function endingOf({ format, compression }: FileForm): string {
  return `.${FORMATS[format].ending}${COMPRESSED[compression].ending}`;
}

export function mediaTypeOf({ format, compression }: FileForm): string {
  return COMPRESSED[compression].mediaType ?? FORMATS[format].mediaType;
}

/** What the name of a file says of it; null when it says nothing. The longest ending wins. */
export function formOfName(name: string): FileForm | null {
  const forms = FORMAT_NAMES.flatMap((format) =>
    COMPRESSIONS.map((compression) => ({ format, compression })),
  );
  const matching = forms.filter((form) => name.toLowerCase().endsWith(endingOf(form)));
  return matching.toSorted((one, other) => endingOf(other).length - endingOf(one).length)[0] ?? null;
}
