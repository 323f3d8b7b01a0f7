// What a period was like, in numbers: traffic, failures, denials, changes by administrators, what the trail says is
// missing from it, and how far its logs are sealed. All of it can be asked for singly, and is counted the same way.
import { isoTime } from "../event/json.ts";
import type { EventFilter, Matches } from "../query/filter.ts";
import type { Reader } from "./reader.ts";
import { statsJson } from "./sums-json.ts";

/** Kinds of lines → name → events. */
type Counts = Readonly<Record<string, number>>;

export interface Report {
  readonly period: string;
  /** ISO 8601, UTC; the end is the last moment of the period. */
  readonly since: string;
  readonly until: string;
  readonly made_at: string;
  readonly totals: ReturnType<typeof statsJson>;
  readonly by_kind: Counts;
  readonly by_model: Counts;
  readonly failures: Counts;
  readonly denials: Counts;
  readonly admin_changes: Counts;
  /** What the trail says of itself: events that were lost, removed, or whose recording was interrupted. */
  readonly gaps: Counts;
  readonly evidence: {
    /** `NOT_SEALED`: no log has a checkpoint; `UNSEALED_TAIL`: some events are not covered yet; `SEALED`. Not verified here. */
    readonly state: "NOT_SEALED" | "UNSEALED_TAIL" | "SEALED";
    readonly nodes: readonly { readonly node_id: string; readonly events: number; readonly sealed: number }[];
  };
}

const PERIOD = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/;
const MOST_NAMED = 100;
const GAP_ACTIONS = [
  "gap",
  "journal_loss",
  "store_regressed",
  "unclean_stop",
  "node_forked",
  "clock_step",
  "pruned",
  "export_failed",
];

/** The bounds of a year, month or day in UTC, both included; null: `text` is none. */
export function periodOf(text: string): { readonly since: number; readonly until: number } | null {
  const [, year, month, day] = PERIOD.exec(text) ?? [];
  if (year === undefined) return null;
  const [y, m, d] = [Number(year), Number(month ?? 1) - 1, Number(day ?? 1)];
  const since = Date.UTC(y, m, d);
  // What does not exist is carried over (month 13, 30 February); the way back shows it.
  if (!isoTime(since).startsWith(text)) return null;
  const next =
    day !== undefined ? Date.UTC(y, m, d + 1) : month !== undefined ? Date.UTC(y, m + 1) : Date.UTC(y + 1, 0);
  return { since, until: next - 1 };
}

export async function makeReport(
  reader: Pick<Reader, "stats" | "facets" | "positions" | "seals">,
  period: string,
  bounds: { readonly since: number; readonly until: number },
  now: number,
): Promise<Report> {
  const of = (where: Matches = {}, not: Matches = {}): EventFilter => ({ where, not, ...bounds });
  const counted = async (
    filter: EventFilter,
    field: "kind" | "model" | "error_code" | "policy_reason" | "action",
  ) => {
    const [facets] = await reader.facets(filter, [field], MOST_NAMED);
    return Object.fromEntries((facets?.values ?? []).map(({ value, requests }) => [String(value), requests]));
  };
  return {
    period,
    since: isoTime(bounds.since),
    until: isoTime(bounds.until),
    made_at: isoTime(now),
    totals: statsJson(await reader.stats(of())),
    by_kind: await counted(of(), "kind"),
    by_model: await counted(of({ kind: ["inference"] }), "model"),
    failures: await counted(of({}, { status: ["success"] }), "error_code"),
    denials: await counted(of({ policy_decision: ["deny"] }), "policy_reason"),
    admin_changes: await counted(of({ kind: ["admin"] }), "action"),
    gaps: await counted(of({ kind: ["system"], action: GAP_ACTIONS }), "action"),
    evidence: await evidenceOf(reader),
  };
}

async function evidenceOf(reader: Pick<Reader, "positions" | "seals">): Promise<Report["evidence"]> {
  const sealed = new Map(
    (await reader.seals()).map(({ nodeId, checkpoints }) => [nodeId, checkpoints.at(-1)?.size ?? 0]),
  );
  const nodes = (await reader.positions()).map(({ nodeId, seq }) => ({
    node_id: nodeId,
    events: seq,
    sealed: sealed.get(nodeId) ?? 0,
  }));
  const isSealed = nodes.some(({ sealed }) => sealed > 0);
  const isWhole = nodes.every(({ events, sealed }) => sealed >= events);
  return { state: isSealed ? (isWhole ? "SEALED" : "UNSEALED_TAIL") : "NOT_SEALED", nodes };
}
