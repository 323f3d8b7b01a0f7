// Prometheus metrics. Labels are bounded: kinds, actions, reasons, states, route templates; never a user, key or model.
import { statfsSync } from "node:fs";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Delivery } from "../delivery/delivery.ts";
import { KINDS } from "../event/fields.ts";
import type { JournalClient } from "../journal/journal-client.ts";
import type { Recorder } from "../recorder/recorder.ts";
import type { Anchoring } from "./anchoring.ts";
import { countEvents } from "./event-metrics.ts";
import type { Overhead } from "./overhead.ts";
import { countOwnEvents } from "./own-event-metrics.ts";

export interface MetricsParts {
  /** The data folder. */
  readonly home: string;
  readonly recorder: Recorder;
  readonly delivery: Delivery;
  readonly journal: JournalClient;
  readonly anchoring: Anchoring;
  readonly activeRequests: () => number;
  readonly exporter: { readonly running: number };
  readonly schedules: { readonly failing: ReadonlyMap<string, string> };
  readonly retention: { readonly failures: number };
  readonly overhead: Overhead;
  /** UTC ms. */
  readonly now: () => number;
}

interface Measure {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (set: (labels: Record<string, string>, value: number) => void) => void;
}

/** Records that may be under way although the store keeps up: some commits of a busy node. */
const LAG_OF_NOW = 1000;

/** A registry whose values are read when asked for. */
export function createMetrics(parts: MetricsParts): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "daybook_" });
  for (const { name, help, labels, read } of measures(parts)) {
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    if (name.endsWith("_total")) {
      new Counter({
        ...options,
        collect() {
          this.reset();
          read((values, value) => this.inc(values, value));
        },
      });
    } else {
      new Gauge({
        ...options,
        collect() {
          this.reset();
          read((values, value) => this.set(values, value));
        },
      });
    }
  }
  registry.registerMetric(parts.overhead.histogram);
  parts.recorder.follow(countEvents(registry));
  parts.recorder.follow(countOwnEvents(registry));
  return registry;
}

function measures(parts: MetricsParts): Measure[] {
  const { home, anchoring, recorder, journal, delivery, activeRequests } = parts;
  const { exporter, schedules, retention, now } = parts;
  let wholeAt = now();
  recorder.follow(() => {
    // What was just made durable cannot be there yet.
    if (delivery.lag <= LAG_OF_NOW) wholeAt = now();
  });
  const one =
    (read: () => number): Measure["read"] =>
    (set) =>
      set({}, read());
  return [
    {
      name: "daybook_events_begun_total",
      help: "Events begun since the start, weighted by count: begun = recorded + dropped + in flight.",
      labels: ["kind"],
      read: (set) => {
        for (const kind of KINDS) set({ kind }, recorder.counters.byKind[kind].begun);
      },
    },
    {
      name: "daybook_events_recorded_total",
      help: "Events durable in the journal since the start, weighted by count.",
      labels: ["kind"],
      read: (set) => {
        for (const kind of KINDS) set({ kind }, recorder.counters.byKind[kind].recorded);
      },
    },
    {
      name: "daybook_events_dropped_total",
      help: "Events lost since the start, weighted by count, by reason; each is told by a gap event.",
      labels: ["kind", "reason"],
      read: (set) => {
        for (const kind of KINDS) {
          for (const [reason, count] of Object.entries(recorder.counters.byKind[kind].dropped))
            set({ kind, reason }, count);
        }
      },
    },
    {
      name: "daybook_events_in_flight",
      help: "Events begun that are neither recorded nor dropped yet.",
      labels: ["kind"],
      read: (set) => {
        for (const [kind, count] of Object.entries(recorder.inFlight())) set({ kind }, count);
      },
    },
    {
      name: "daybook_queue_depth",
      help: "Journal entries that are not durable yet.",
      labels: [],
      read: one(() => recorder.queued),
    },
    {
      name: "daybook_field_misfits_total",
      help: "Values that did not fit their field and became null, were cut or clamped.",
      labels: [],
      read: one(() => recorder.counters.misfits.count),
    },
    {
      name: "daybook_recording",
      help: "1 while events can be made durable, 0 while the journal is full, slow or lost: strict work is refused.",
      labels: [],
      read: one(() => (recorder.trouble === null ? 1 : 0)),
    },
    {
      name: "daybook_journal_bytes",
      help: "Bytes of the journal's segments.",
      labels: [],
      read: one(() => journal.bytes),
    },
    {
      name: "daybook_disk_free_bytes",
      help: "Bytes that are free on the disk of the data folder.",
      labels: [],
      read: one(() => {
        const { bavail, bsize } = statfsSync(home);
        return bavail * bsize;
      }),
    },
    {
      name: "daybook_journal_restarts_total",
      help: "How often the journal's thread was lost and started again.",
      labels: [],
      read: one(() => journal.restarts),
    },
    {
      name: "daybook_sealed_events",
      help: "Events that a signed checkpoint of this node covers.",
      labels: [],
      read: one(() => journal.sealing.size),
    },
    {
      name: "daybook_sealed_time_seconds",
      help: "When the newest checkpoint was signed, in seconds since 1970; 0 before the first.",
      labels: [],
      read: one(() => journal.sealing.at / 1000),
    },
    {
      name: "daybook_sealing",
      help: "1 while the log is sealed, 0 while that fails; a log that is refused was rolled back, changed, or lost its key.",
      labels: ["trouble"],
      read: (set) =>
        set({ trouble: journal.sealing.trouble ?? "" }, journal.sealing.trouble === null ? 1 : 0),
    },
    {
      name: "daybook_anchor_time_seconds",
      help: "When the newest checkpoint was told to an anchor, in seconds since 1970; 0 before the first.",
      labels: ["kind", "place"],
      read: (set) => {
        for (const { kind, index, at } of anchoring.statuses) set({ kind, place: String(index) }, at / 1000);
      },
    },
    {
      name: "daybook_anchor_failing",
      help: "1 while an anchor cannot be told.",
      labels: ["kind", "place"],
      read: (set) => {
        for (const { kind, index, trouble } of anchoring.statuses)
          set({ kind, place: String(index) }, trouble === null ? 0 : 1);
      },
    },
    {
      name: "daybook_journal_lsn",
      help: "Last durable journal record.",
      labels: [],
      read: one(() => journal.durable.lsn),
    },
    {
      name: "daybook_store_lag_records",
      help: "Durable journal records that are not in the store yet.",
      labels: [],
      read: one(() => delivery.lag),
    },
    {
      name: "daybook_store_lag_seconds",
      help: "How long ago the store last had all that was durable; 0 while it has.",
      labels: [],
      read: one(() => {
        if (delivery.lag === 0) wholeAt = now();
        return (now() - wholeAt) / 1000;
      }),
    },
    {
      name: "daybook_exports_running",
      help: "Exports that are being made.",
      labels: [],
      read: one(() => exporter.running),
    },
    {
      name: "daybook_export_schedules_failing",
      help: "Schedules of exports whose last run failed.",
      labels: [],
      read: one(() => schedules.failing.size),
    },
    {
      name: "daybook_retention_failures_total",
      help: "Runs of retention that failed; the next one has what this one should have removed.",
      labels: [],
      read: one(() => retention.failures),
    },
    {
      name: "daybook_store_retries_total",
      help: "Failed attempts to write to the store.",
      labels: [],
      read: one(() => delivery.status.retries),
    },
    {
      name: "daybook_store_shipping",
      help: "1 while events are shipped into the store, 0 while it is retried or stopped.",
      labels: [],
      read: one(() => (delivery.status.state === "shipping" ? 1 : 0)),
    },
    {
      name: "daybook_requests_active",
      help: "Requests of LLM clients being served.",
      labels: [],
      read: one(activeRequests),
    },
  ];
}
