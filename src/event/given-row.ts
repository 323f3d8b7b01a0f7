// Events that another process made, on their way into this store: what may stand in a log, and nothing else. The gate
// is as narrow as the recorder's own (encode.ts), but refuses where that one corrects: a value that was changed here
// would no longer be what the other log has signed.
import { canonicalJson } from "./canonical.ts";
import { isContentKey } from "./content-keys.ts";
import { NUL } from "./encode.ts";
import { DaybookError } from "./errors.ts";
import {
  type Cell,
  COLUMN,
  FIELDS,
  type FieldSpec,
  isFieldName,
  maxInteger,
  type Row,
  SCHEMA_VERSION,
} from "./fields.ts";
import { hasShape } from "./json-shapes.ts";

/** An event is no larger (DESIGN section 3), with what its JSON adds. */
const MAX_EVENT_CHARACTERS = 131_072;

/**
 * The row of an event given as its non-null cells by name: integers for times, canonical text for JSON. Throws
 * `bad_event` or `content_refused`.
 */
export function givenRow(cells: Readonly<Record<string, unknown>>): Row {
  const row: Row = new Array(FIELDS.length).fill(null);
  let characters = 0;
  for (const [name, value] of Object.entries(cells)) {
    if (!isFieldName(name))
      throw new DaybookError("bad_event", `there is no field ${JSON.stringify(name.slice(0, 64))}`);
    const column = COLUMN[name];
    const spec: FieldSpec | undefined = FIELDS[column];
    if (spec === undefined || !fits(spec, value))
      throw new DaybookError("bad_event", `${name} cannot be that`);
    row[column] = value as Cell;
    if (typeof value === "string") characters += value.length;
  }
  if (characters > MAX_EVENT_CHARACTERS) throw new DaybookError("bad_event", "it is too large");
  for (const [column, spec] of FIELDS.entries())
    if ("required" in spec && row[column] === null)
      throw new DaybookError("bad_event", `${spec.name} is missing`);
  if (Number(row[COLUMN.schema_version]) > SCHEMA_VERSION)
    throw new DaybookError("bad_event", "it is of a newer Daybook");
  if (row[COLUMN.input_json] !== null && row[COLUMN.kind] !== "mcp")
    throw new DaybookError("bad_event", "input_json is for kind mcp only");
  refuseContent(row[COLUMN.metadata] ?? null);
  return row;
}

function fits(spec: FieldSpec, value: unknown): boolean {
  switch (spec.type) {
    case "integer":
      return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= maxInteger(spec);
    case "boolean":
      return typeof value === "boolean";
    case "string":
      return typeof value === "string" && isText(spec, value);
    case "json":
      return (
        typeof value === "string" && Buffer.byteLength(value) <= (spec.max ?? 0) && isCanonical(spec, value)
      );
  }
}

function isText({ max, pattern }: FieldSpec, text: string): boolean {
  const isShort = text.length <= (max ?? text.length);
  return isShort && text.isWellFormed() && !text.includes("\0") && (pattern?.test(text) ?? true);
}

function isCanonical({ shape }: FieldSpec, text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || canonicalJson(value) !== text) return false;
    return !NUL.test(text) && (shape === undefined || hasShape(shape, value));
  } catch {
    return false;
  }
}

/** As the recorder: a flat object, without names of content. */
function refuseContent(metadata: Cell): void {
  if (metadata === null) return;
  const value = JSON.parse(String(metadata)) as object | null;
  if (value === null || Array.isArray(value)) throw new DaybookError("bad_event", "metadata is no object");
  for (const [key, held] of Object.entries(value)) {
    if (isContentKey(key)) throw new DaybookError("content_refused", key.slice(0, 64));
    if (held !== null && typeof held === "object")
      throw new DaybookError("bad_event", "metadata is not flat");
  }
}
