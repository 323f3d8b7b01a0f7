// Parquet: one column for each field under its own name, zstd inside (node:zlib), one row group for each part that the
// encoder is given, so that memory stays as it is. Times are timestamps in UTC milliseconds; JSON fields are text.
import { deserialize, serialize } from "node:v8";
import { zstdCompressSync } from "node:zlib";
import { ByteWriter, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import { type Cell, FIELDS, type FieldSpec, type Row } from "../../event/fields.ts";
import type { OpenEncoder } from "./encoder.ts";

const SCHEMA: SchemaElement[] = [{ name: "root", num_children: FIELDS.length }, ...FIELDS.map(elementOf)];

/** What the end of the file needs of what was written before. */
interface Written {
  readonly rowGroups: ParquetWriter["row_groups"];
  readonly rows: bigint;
  readonly offset: number;
}

function elementOf(spec: FieldSpec): SchemaElement {
  const { name, type, required } = spec;
  const repetition_type = required ? "REQUIRED" : "OPTIONAL";
  if (isTime(spec)) return { name, type: "INT64", converted_type: "TIMESTAMP_MILLIS", repetition_type };
  if (type === "integer") return { name, type: "INT64", repetition_type };
  if (type === "boolean") return { name, type: "BOOLEAN", repetition_type };
  return { name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type };
}

function isTime({ name }: FieldSpec): boolean {
  return name === "timestamp" || name === "recorded_at";
}

export const openParquet: OpenEncoder = (state) => {
  const writer = new ByteWriter(1 << 20);
  const parquet = new ParquetWriter({
    writer,
    schema: SCHEMA,
    codec: "ZSTD",
    compressors: { ZSTD: (input) => zstdCompressSync(input) },
    createdBy: "Daybook",
  });
  if (state !== null) {
    const { rowGroups, rows, offset } = deserialize(Buffer.from(state as string, "base64")) as Written;
    parquet.row_groups = rowGroups;
    parquet.num_rows = rows;
    writer.index = 0;
    writer.offset = offset;
  }
  const taken = (): Uint8Array => {
    const bytes = writer.getBytes().slice();
    writer.index = 0;
    return bytes;
  };
  return {
    head: taken,
    rows(rows) {
      if (rows.length === 0) return "";
      parquet.write({ columnData: columnsOf(rows), rowGroupSize: rows.length });
      // Indexes of pages would be kept until the end, and grow with the file.
      parquet.pendingIndexes.length = 0;
      return taken();
    },
    end() {
      parquet.finish();
      return taken();
    },
    get state() {
      const { row_groups: rowGroups, num_rows: rows } = parquet;
      return serialize({ rowGroups, rows, offset: writer.offset } satisfies Written).toString("base64");
    },
  };
};

function columnsOf(rows: readonly Row[]) {
  return FIELDS.map((spec: FieldSpec, at) => {
    const cells = rows.map((row) => row[at] as Cell);
    const data = spec.type === "integer" ? cells.map(bigIntOf) : cells;
    return { name: spec.name, data, columnIndex: false, offsetIndex: false };
  });
}

function bigIntOf(cell: Cell): bigint | null {
  return cell === null ? null : BigInt(cell as number);
}
