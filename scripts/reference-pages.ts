// The pages of docs/reference/ that the code itself defines.
import { apiMarkdown } from "../src/api/reference.ts";
import { configurationMarkdown } from "../src/config/reference.ts";
import { ERRORS } from "../src/event/errors.ts";
import { FIELDS, type FieldSpec } from "../src/event/fields.ts";
import { FAILURES } from "../src/event/outcomes.ts";

/** File name in docs/reference/ → its text. */
export function referencePages(): Record<string, string> {
  return {
    "events.md": eventsMarkdown(),
    "errors.md": errorsMarkdown(),
    "configuration.md": configurationMarkdown(),
    "api.md": apiMarkdown(),
  };
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function eventsMarkdown(): string {
  const rows = FIELDS.map((field: FieldSpec) => [
    `\`${field.name}\`${field.required ? " •" : ""}`,
    field.type,
    field.class === "public" ? "public" : field.class.toUpperCase(),
    field.by,
    limit(field),
    field.about,
  ]);
  return `# Events

Written by \`npm run docs\` from \`src/event/fields.ts\`. One event is one line of the trail, with the same names in the
database, JSON and the CLI. Fields marked • are never null in a finished event.

**class**: \`public\` fields stand in the event's leaf as they are; \`P1\` identifies a person and \`P2\` derives from
content (redacted), and of those the leaf holds a salted commitment only. **by**: who gives the value: the recorder's
caller (\`facts\`), the [outcome table](errors.md) or the \`journal\` at its commit. A string outside its pattern becomes
null and is counted (\`daybook_field_misfits_total\`); numbers are safe integers and are clamped.

${table(["field", "type", "class", "by", "limit", "about"], rows)}

JSON fields hold canonical JSON text (RFC 8785). Lists, counts and stats leave out kind \`system\` unless
\`include=system\` or \`kind=system\` asks.
`;
}

function limit({ type, max, pattern }: FieldSpec): string {
  if (type === "json") return `${max} bytes`;
  if (type === "integer") return max === undefined ? "" : `≤ ${max}`;
  const length = max === undefined ? [] : [`${max} characters`];
  return [
    ...length,
    ...(pattern === undefined || pattern.source.length > 60 ? [] : [`\`${pattern.source}\``]),
  ].join(", ");
}

function errorsMarkdown(): string {
  const outcomes = Object.entries(FAILURES).map(([code, { status, statusCode, message }]) => [
    `\`${code}\``,
    status,
    statusCode === null ? "as sent" : String(statusCode ?? "–"),
    message,
  ]);
  const errors = Object.entries(ERRORS).map(([code, { message, remedy }]) => [
    `\`${code}\``,
    message.replace("{detail}", "…"),
    remedy,
  ]);
  return `# Errors

Written by \`npm run docs\` from \`src/event/outcomes.ts\` and \`src/event/errors.ts\`.

## Outcomes

What \`status\`, \`status_code\` and \`error_code\` of an event can be; the three come from one value and always agree.
A success has status \`success\`, the status code that was sent, and no error code.

${table(["error_code", "status", "status_code", "error_message"], outcomes)}

## Refusals

What Daybook says when it cannot do what it was asked; \`…\` stands for the particulars.

${table(["code", "what happened", "what to do"], errors)}
`;
}
