// What the events of this process sum up to, for Prometheus, counted as each becomes durable. Labels are words of our own
// and templates of our routes; where others can make up words (actions of the library, paths passed through), all beyond
// a number of them are counted as `other`. Per-user numbers come from the store (`/admin/audit-logs/users`), never from here.
import { Counter, Histogram, type Registry } from "prom-client";
import { type Cell, COLUMN, type Row } from "../event/fields.ts";

/** A person's tool calls and a batch of embeddings are both in the middle of it, in seconds. */
const BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900];
const MAX_WORDS = 100;

const TOKENS = {
  prompt: "prompt_tokens",
  completion: "completion_tokens",
  cached: "cached_tokens",
  reasoning: "reasoning_tokens",
} as const;

/** Events that differ in nothing that a counter's labels tell. */
interface Tally {
  readonly kind: string;
  readonly action: string;
  readonly status: string;
  readonly errorCode: string;
  readonly decision: string;
  count: number;
  costMicros: number;
  readonly tokens: Record<keyof typeof TOKENS, number>;
}

/**
 * Adds the metrics of events to `registry`; answers with what must be told of each durable event. That runs on the
 * thread that serves requests: sums are kept here, and become counters when they are asked for.
 */
export function countEvents(registry: Registry): (row: Row) => void {
  const tallies = new Map<string, Tally>();
  const counter = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    read: (tally: Tally, add: (labels: Partial<Record<Label, string>>, value: number) => void) => void,
  ) =>
    new Counter<Label>({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        for (const tally of tallies.values()) read(tally, (labels, value) => this.inc(labels, value));
      },
    });
  counter(
    "daybook_events_total",
    "Events by what they are, weighted by count.",
    ["kind", "action", "status"],
    ({ kind, action, status, count }, add) => add({ kind, action, status }, count),
  );
  counter(
    "daybook_failures_total",
    "Events that did not succeed, by why, weighted by count.",
    ["kind", "error_code"],
    ({ kind, status, errorCode, count }, add) => {
      if (status !== "success") add({ kind, error_code: errorCode }, count);
    },
  );
  counter(
    "daybook_tokens_total",
    "Tokens; cached ones are prompt tokens too.",
    ["type"],
    ({ tokens }, add) => {
      for (const [type, number] of Object.entries(tokens)) if (number > 0) add({ type }, number);
    },
  );
  counter("daybook_cost_micros_total", "Cost in millionths of a US dollar.", [], ({ costMicros }, add) =>
    add({}, costMicros),
  );
  counter(
    "daybook_policy_decisions_total",
    "Events that a policy spoke about.",
    ["decision"],
    ({ decision, count }, add) => {
      if (decision !== "n/a") add({ decision }, count);
    },
  );
  counter(
    "daybook_admin_actions_total",
    "Changes by administrators.",
    ["action"],
    ({ kind, action, count }, add) => {
      if (kind === "admin") add({ action }, count);
    },
  );
  const durations = new Histogram({
    name: "daybook_request_duration_seconds",
    help: "How long requests took, by route template.",
    labelNames: ["endpoint"],
    buckets: BUCKETS,
    registers: [registry],
  });
  const actions = new Words();
  const endpoints = new Words();
  return (row) => {
    const tally = tallyOf(tallies, row, actions.bounded(textOf(row[COLUMN.action])));
    tally.count += numberOf(row[COLUMN.count] ?? 1);
    tally.costMicros += numberOf(row[COLUMN.cost_micros]);
    for (const type in TOKENS) {
      const name = type as keyof typeof TOKENS;
      tally.tokens[name] += numberOf(row[COLUMN[TOKENS[name]]]);
    }
    const endpoint = row[COLUMN.endpoint] ?? null;
    const ms = row[COLUMN.duration_ms] ?? null;
    if (endpoint !== null && ms !== null)
      durations.observe({ endpoint: endpoints.bounded(String(endpoint)) }, Number(ms) / 1000);
  };
}

function tallyOf(tallies: Map<string, Tally>, row: Row, action: string): Tally {
  const kind = textOf(row[COLUMN.kind]);
  const status = textOf(row[COLUMN.status]);
  const errorCode = textOf(row[COLUMN.error_code]);
  const decision = textOf(row[COLUMN.policy_decision]);
  const key = `${kind} ${action} ${status} ${errorCode} ${decision}`;
  let tally = tallies.get(key);
  if (tally === undefined) {
    const tokens = { prompt: 0, completion: 0, cached: 0, reasoning: 0 };
    tally = { kind, action, status, errorCode, decision, count: 0, costMicros: 0, tokens };
    tallies.set(key, tally);
  }
  return tally;
}

function textOf(cell: Cell | undefined): string {
  return cell === null || cell === undefined ? "unknown" : String(cell);
}

function numberOf(cell: Cell | undefined): number {
  return Number(cell ?? 0);
}

/** The first words that come stay, all others are `other`. */
class Words {
  readonly #known = new Set<string>();

  bounded(word: string): string {
    if (this.#known.has(word)) return word;
    if (this.#known.size >= MAX_WORDS) return "other";
    this.#known.add(word);
    return word;
  }
}
