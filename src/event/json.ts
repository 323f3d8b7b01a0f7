// The one serialiser of events for people and programs outside: the same names as everywhere, times as ISO 8601.
import type { AuditEvent, FieldName } from "./fields.ts";

/**
 * An event as REST, the CLI and exports show it. JSON fields stay canonical JSON text; `id` is `event_id` again, for
 * programs that know rows by that name.
 */
export type EventJson = Omit<AuditEvent, "timestamp" | "recorded_at"> & {
  id: string;
  timestamp: string;
  recorded_at: string;
};

export function eventJson(event: AuditEvent): EventJson {
  return {
    id: event.event_id,
    ...event,
    timestamp: isoTime(event.timestamp),
    recorded_at: isoTime(event.recorded_at),
  };
}

/** The event for somebody who may not see `hidden`: those fields are null. */
export function without(event: AuditEvent, hidden: readonly FieldName[]): AuditEvent {
  if (hidden.length === 0) return event;
  return { ...event, ...Object.fromEntries(hidden.map((name) => [name, null])) };
}

/** UTC milliseconds as ISO 8601 with `Z`. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
