// What the events of this process sum up to, for Prometheus, counted as each becomes durable. Labels are words of our own
// and templates of our routes; where others can make up words (actions of the library, paths passed through), all beyond
// a number of them are counted as `other`. Per-user numbers come from the store (`/admin/audit-logs/users`), never from here.
import { Counter, Histogram, type Registry } from "prom-client";
import { type Cell, COLUMN, type FieldName, KINDS, type Row } from "../event/fields.ts";
import { FORMAT_NAMES } from "../read/export/formats.ts";

/** A person's tool calls and a batch of embeddings are both in the middle of it, in seconds. */
const BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900];
const MAX_WORDS = 100;

const TOKENS = {
  prompt: "prompt_tokens",
  completion: "completion_tokens",
  cached: "cached_tokens",
  reasoning: "reasoning_tokens",
} as const;

/** Adds the metrics of events to `registry`; answers with what must be told of each durable event. */
export function countEvents(registry: Registry): (row: Row) => void {
  const registers = [registry];
  const counter: MakeCounter = (name, help, labelNames) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const events = counter("daybook_events_total", "Events by what they are, weighted by count.", [
    "kind",
    "action",
    "status",
  ]);
  const failures = counter(
    "daybook_failures_total",
    "Events that did not succeed, by why, weighted by count.",
    ["kind", "error_code"],
  );
  const tokens = counter("daybook_tokens_total", "Tokens; cached ones are prompt tokens too.", ["type"]);
  const cost = counter("daybook_cost_micros_total", "Cost in millionths of a US dollar.", []);
  const decisions = counter("daybook_policy_decisions_total", "Events that a policy spoke about.", [
    "decision",
  ]);
  const changes = counter("daybook_admin_actions_total", "Changes by administrators.", ["action"]);
  const durations = new Histogram({
    name: "daybook_request_duration_seconds",
    help: "How long requests took, by route template.",
    labelNames: ["endpoint"],
    buckets: BUCKETS,
    registers,
  });
  const countOwn = countOwnEvents(counter);
  const actions = new Words();
  const endpoints = new Words();
  return (row) => {
    const cell = (name: FieldName): Cell => row[COLUMN[name]] ?? null;
    const count = Number(cell("count") ?? 1);
    const kind = String(cell("kind"));
    const action = actions.bounded(String(cell("action")));
    const status = String(cell("status"));
    events.inc({ kind, action, status }, count);
    if (status !== "success")
      failures.inc({ kind, error_code: String(cell("error_code") ?? "unknown") }, count);
    if (kind === "system") countOwn(String(cell("action")), status, cell("metadata"));
    if (kind === "admin") changes.inc({ action });
    const decision = String(cell("policy_decision"));
    if (decision !== "n/a") decisions.inc({ decision });
    for (const [type, name] of Object.entries(TOKENS)) {
      const number = cell(name);
      if (number !== null && number !== 0) tokens.inc({ type }, Number(number));
    }
    const micros = cell("cost_micros");
    if (micros !== null) cost.inc(Number(micros));
    const [endpoint, ms] = [cell("endpoint"), cell("duration_ms")];
    if (endpoint !== null && ms !== null)
      durations.observe({ endpoint: endpoints.bounded(String(endpoint)) }, Number(ms) / 1000);
  };
}

type MakeCounter = <Label extends string>(
  name: string,
  help: string,
  labelNames: readonly Label[],
) => Counter<Label>;

/** What Daybook's events about itself say in their metadata: exports, and what retention removes. */
function countOwnEvents(counter: MakeCounter) {
  const exports = counter("daybook_exports_total", "Exports, by format and how they ended.", [
    "format",
    "status",
  ]);
  const exported = counter("daybook_exported_events_total", "Events in exports that were whole.", ["format"]);
  const removed = counter(
    "daybook_retention_removed_events_total",
    "Events that retention told it would remove, by kind, and whether for their age or for room.",
    ["kind", "because"],
  );
  return (action: string, status: string, metadata: Cell): void => {
    if (action !== "exported" && action !== "pruned") return;
    const said = JSON.parse(String(metadata ?? "{}")) as Readonly<Record<string, unknown>>;
    if (action === "exported") {
      const format = FORMAT_NAMES.find((name) => name === said.format) ?? "other";
      const isWhole = typeof said.rows === "number";
      // What asks for a job that exports is told too, and ends nothing.
      if (isWhole || status !== "success") exports.inc({ format, status });
      if (typeof said.rows === "number") exported.inc({ format }, said.rows);
    } else {
      for (const kind of KINDS)
        if (typeof said[kind] === "number")
          removed.inc({ kind, because: said.because === "size" ? "size" : "age" }, said[kind]);
    }
  };
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
