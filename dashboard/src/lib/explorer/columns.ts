// The columns of the explorer: every field that is no JSON can be one.
import { bytes, compact, money } from "#lib/amounts.ts";
import { visible } from "#lib/text.ts";
import { duration } from "#lib/time.ts";
import { FIELDS, type FieldName, type FieldSpec } from "../../../../src/event/fields.ts";
import type { EventJson } from "../../../../src/event/json.ts";

export const USUAL: readonly FieldName[] = [
  "recorded_at",
  "status",
  "kind",
  "action",
  "model",
  "name",
  "user_id",
  "duration_ms",
  "total_tokens",
  "cost_micros",
  "provider",
];

export const COLUMNS: readonly FieldName[] = (FIELDS as readonly FieldSpec[])
  .filter(({ type }) => type !== "json")
  .map(({ name }) => name as FieldName);

/** Pixels at least, and the share of what is left (none: it stays so). */
const WIDTHS: Partial<Record<FieldName, readonly [px: number, share: number]>> = {
  recorded_at: [176, 0],
  timestamp: [176, 0],
  status: [82, 0],
  kind: [78, 0],
  action: [88, 0.9],
  model: [136, 1.4],
  name: [76, 0.8],
  user_id: [76, 0.8],
  duration_ms: [74, 0],
  total_tokens: [64, 0],
  cost_micros: [84, 0],
};
const USUAL_WIDTH = [84, 1] as const;

/** Of the head and of every row: a grid's columns, and how wide they are at least. */
export function widthsOf(columns: readonly FieldName[]): {
  readonly template: string;
  readonly leastPx: number;
} {
  const widths = columns.map((field) => WIDTHS[field] ?? USUAL_WIDTH);
  return {
    template: widths
      .map(([px, share]) => (share === 0 ? `${px}px` : `minmax(${px}px, ${share}fr)`))
      .join(" "),
    leastPx: widths.reduce((sum, [px]) => sum + px, 16),
  };
}

const TITLES: Partial<Record<FieldName, string>> = {
  recorded_at: "Time",
  timestamp: "Began",
  user_id: "User",
  api_key_id: "Key",
  duration_ms: "Duration",
  ttft_ms: "First byte",
  total_tokens: "Tokens",
  cost_micros: "Cost",
  name: "Name",
  policy_decision: "Policy",
  status_code: "Code",
};

export function titleOf(field: FieldName): string {
  const words = field.replaceAll("_", " ");
  return TITLES[field] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

const NUMBERS: ReadonlySet<string> = new Set(
  (FIELDS as readonly FieldSpec[]).filter(({ type }) => type === "integer").map(({ name }) => name),
);

export const isNumber = (field: FieldName): boolean => NUMBERS.has(field) && !isTime(field);
export const isTime = (field: string): boolean => field === "recorded_at" || field === "timestamp";

/** A value as it is shown; "" when there is none. */
export function textOf(event: EventJson, field: FieldName): string {
  const value = event[field];
  if (value === null || value === undefined) return "";
  if (field === "cost_micros") return money(Number(value));
  if (field === "duration_ms" || field === "ttft_ms") return duration(Number(value));
  if (field === "request_size" || field === "response_size") return bytes(Number(value));
  if (typeof value === "number" && field.endsWith("_tokens")) return compact(value);
  return visible(String(value));
}

export const TONES: Readonly<Record<string, "good" | "bad" | "late" | "idle">> = {
  success: "good",
  error: "bad",
  timeout: "late",
  cancelled: "idle",
};
