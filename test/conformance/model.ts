// The read side of a store as plain functions over events: what drivers are compared with.
import type { AuditEvent, Cell, FieldName } from "../../src/event/fields.ts";
import type { EventFilter } from "../../src/event/query.ts";
import type { Stats } from "../../src/stores/store.ts";

/** The events that a filter lets through, newest first. */
export function select(events: readonly AuditEvent[], filter: EventFilter): AuditEvent[] {
  return events.filter((event) => matches(event, filter)).sort((a, b) => -byKey(a, b));
}

function matches(event: AuditEvent, { where, since, until, includeSystem }: EventFilter): boolean {
  if (event.recorded_at < (since ?? -Infinity) || event.recorded_at > (until ?? Infinity)) return false;
  if (event.kind === "system" && !includeSystem && where.kind === undefined) return false;
  return Object.entries(where).every(([name, values]) =>
    (values as Cell[]).includes(event[name as FieldName]),
  );
}

function byKey(a: AuditEvent, b: AuditEvent): number {
  return a.recorded_at - b.recorded_at || compareText(a.node_id, b.node_id) || a.seq - b.seq;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

export function statsOf(events: readonly AuditEvent[]): Stats {
  const sum = (
    list: readonly AuditEvent[],
    name: "count" | "prompt_tokens" | "completion_tokens" | "total_tokens",
  ) => list.reduce((total, event) => total + (event[name] ?? 0), 0);
  const counts = (name: "status" | "backend_type") =>
    Object.fromEntries(
      [...Map.groupBy(events, (event) => event[name])].flatMap(([value, group]) =>
        value === null ? [] : [[value, sum(group, "count")]],
      ),
    );
  return {
    totalRequests: sum(events, "count"),
    byStatus: counts("status"),
    byBackend: counts("backend_type"),
    uniqueModels: new Set(events.flatMap(({ model }) => model ?? [])).size,
    promptTokens: sum(events, "prompt_tokens"),
    completionTokens: sum(events, "completion_tokens"),
    totalTokens: sum(events, "total_tokens"),
  };
}
