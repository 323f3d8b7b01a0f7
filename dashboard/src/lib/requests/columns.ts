// The columns of the request logs, as their users know them.

import { textOf } from "#lib/explorer/columns.ts";
import { duration } from "#lib/time.ts";
import type { FieldName } from "../../../../src/event/fields.ts";
import type { EventJson } from "../../../../src/event/json.ts";

export const INFERENCE_COLUMNS: readonly FieldName[] = [
  "recorded_at",
  "model",
  "backend_type",
  "endpoint",
  "duration_ms",
  "status",
  "total_tokens",
];

export const REQUEST_TITLES: Partial<Record<FieldName, string>> = { backend_type: "Backend" };

const NAMES: ReadonlyMap<string, string> = new Map([["openai", "OpenAI"]]);

export function requestText(event: EventJson, field: FieldName): string {
  const { total_tokens: tokens, backend_type: backend, duration_ms: ms } = event;
  if (field === "total_tokens") return tokens === null ? "-" : String(tokens);
  if (field === "duration_ms") return ms === null ? "-" : duration(ms);
  if (field === "backend_type" && backend !== null)
    return NAMES.get(backend) ?? backend.charAt(0).toUpperCase() + backend.slice(1);
  return textOf(event, field);
}
