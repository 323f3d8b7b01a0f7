// A session's events as a tree: what models did, what tools did, and the rest; below each a lane for every model, tool
// or action; in a lane its events, oldest first, what followed from another below it.
import type { EventJson } from "../../../../src/event/json.ts";

export interface Sums {
  readonly events: number;
  readonly failed: number;
  readonly tokens: number;
  readonly costMicros: number;
}

export interface Step {
  readonly event: EventJson;
  /** How many events it followed from, one after the other. */
  readonly depth: number;
  /** UTC ms. */
  readonly from: number;
  readonly to: number;
}

export interface Lane extends Sums {
  readonly title: string;
  readonly steps: readonly Step[];
}

export interface Group extends Sums {
  readonly title: string;
  readonly lanes: readonly Lane[];
}

const TITLES: Readonly<Record<string, string>> = { inference: "Models", mcp: "Tools" };
const ORDER = ["Models", "Tools", "Other"];

export function groupsOf(events: readonly EventJson[]): Group[] {
  const steps = stepsOf(events);
  const byGroup = Map.groupBy(steps, ({ event }) => TITLES[event.kind] ?? "Other");
  return ORDER.flatMap((title) => {
    const own = byGroup.get(title);
    if (own === undefined) return [];
    const lanes = [...Map.groupBy(own, ({ event }) => laneOf(event))].map(([lane, its]) => ({
      title: lane,
      steps: its,
      ...sumsOf(its),
    }));
    return [{ title, lanes, ...sumsOf(own) }];
  });
}

/** From the first beginning to the last end. */
export function spanOf(events: readonly EventJson[]): { readonly from: number; readonly to: number } {
  let [from, to] = [Number.POSITIVE_INFINITY, 0];
  for (const event of events) {
    const own = timesOf(event);
    [from, to] = [Math.min(from, own.from), Math.max(to, own.to)];
  }
  return { from, to: Math.max(to, from + 1) };
}

function laneOf({ kind, action, model, name, endpoint }: EventJson): string {
  const what = kind === "inference" ? model : name;
  return [action, what ?? (kind === "mcp" ? null : endpoint)].filter((part) => part !== null).join(" · ");
}

function stepsOf(events: readonly EventJson[]): Step[] {
  const byId = new Map(events.map((event) => [event.event_id, event]));
  const depthOf = ({ parent_event_id: parent }: EventJson): number => {
    let depth = 0;
    const seen = new Set<string>();
    for (let id = parent; id !== null && byId.has(id) && !seen.has(id); depth++) {
      seen.add(id);
      id = byId.get(id)?.parent_event_id ?? null;
    }
    return depth;
  };
  return events
    .map((event) => ({ event, depth: depthOf(event), ...timesOf(event) }))
    .sort((one, other) => one.from - other.from);
}

function timesOf({ timestamp, duration_ms: ms }: EventJson): { readonly from: number; readonly to: number } {
  const from = Date.parse(timestamp);
  return { from, to: from + (ms ?? 0) };
}

function sumsOf(steps: readonly Step[]): Sums {
  const sum = (of: (event: EventJson) => number) => steps.reduce((all, { event }) => all + of(event), 0);
  return {
    events: sum(({ count }) => count),
    failed: sum(({ status, count }) => (status === "success" ? 0 : count)),
    tokens: sum(({ total_tokens: tokens }) => tokens ?? 0),
    costMicros: sum(({ cost_micros: cost }) => cost ?? 0),
  };
}
