// Whether what is recorded names a person. Most of it says so by a value of its own, which is the person's id; what people
// write themselves (a search, a condition, a reason) has it as a word among others.
import { COLUMN, type Row } from "./fields.ts";

const WORD = "[\\p{L}\\p{N}_@-]";

/** Finds the id where it stands for itself: `ana` in `user:ana`, and neither in `anabel` nor in `ana@example.com`. */
export function wordOf(id: string): RegExp {
  const literal = id.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<!${WORD}|\\.)${literal}(?!${WORD}|\\.[\\p{L}\\p{N}])`, "gu");
}

/** Whether the text has the id as a word. */
export function isWordIn(text: string, id: string): boolean {
  return text.includes(id) && wordOf(id).test(text);
}

/** What stands between the quotes where JSON has the id, and where JSON is itself a text in JSON. */
export function writtenForms(id: string): readonly string[] {
  const once = inner(id);
  return [...new Set([once, inner(once)])];
}

/** Of an event or a begin. What tells of retention names nobody, and stays. */
export function isNamedBy(row: Row, id: string): boolean {
  if (row[COLUMN.kind] === "system" && row[COLUMN.action] === "pruned") return false;
  if (row[COLUMN.user_id] === id || row[COLUMN.entity_id] === id) return true;
  const quoted = JSON.stringify(id);
  const texts = [row[COLUMN.metadata], row[COLUMN.old_values], row[COLUMN.new_values]];
  return texts.some((text) => String(text ?? "").includes(quoted)) || isWrittenBy(row, id);
}

/** Whether a search, a condition or a reason in it has the id as a word. */
export function isWrittenBy(row: Row, id: string): boolean {
  const { [COLUMN.justification]: reason, [COLUMN.old_values]: before, [COLUMN.new_values]: after } = row;
  return (
    isWordIn(String(reason ?? ""), id) ||
    [before, after].some((text) => typeof text === "string" && isWritten(valuesOf(text), id))
  );
}

/** In the members `q` and `when`, however deep. */
function isWritten(value: unknown, id: string, isText = false): boolean {
  if (typeof value === "string") return isText && isWordIn(value, id);
  if (Array.isArray(value)) return value.some((each) => isWritten(each, id, isText));
  return Object.entries(value ?? {}).some(([name, each]) =>
    isWritten(each, id, isText || /^(?:.*\.)?q$|^when$/.test(name)),
  );
}

/** What cannot be read as JSON, which is nobody's doing but of who changed it, is all text. */
function valuesOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return { q: json };
  }
}

const inner = (text: string): string => JSON.stringify(text).slice(1, -1);
