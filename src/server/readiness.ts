// /readyz: whether Daybook can do what it promises just now, part by part, each with its remedy.
import type { Readiness } from "../api/api-parts.ts";
import type { Delivery } from "../delivery/delivery.ts";
import { nativeCode } from "../event/errors.ts";
import type { JournalClient } from "../journal/journal-client.ts";
import type { Reader } from "../read/reader.ts";
import type { Recorder } from "../recorder/recorder.ts";
import type { Anchoring } from "./anchoring.ts";
import type { ScheduleRunner } from "./schedule-runner.ts";

export interface ReadinessParts {
  readonly recorder: Recorder;
  readonly journal: Pick<JournalClient, "sealing">;
  readonly delivery: Delivery;
  readonly reader: Reader;
  readonly control: { health(): Promise<void> };
  readonly anchoring: Pick<Anchoring, "statuses">;
  readonly schedules: Pick<ScheduleRunner, "failing">;
}

interface Check {
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy?: string;
}

export async function readiness({
  recorder,
  journal,
  delivery,
  reader,
  control,
  anchoring,
  schedules,
}: ReadinessParts): Promise<Readiness> {
  const checks = {
    journal: journalCheck(recorder),
    sealing: sealingCheck(journal),
    shipping: shippingCheck(delivery),
    store: await healthCheck(() => reader.health(), "Check the store's disk and file."),
    control: await healthCheck(() => control.health(), "Check control.db in the data folder."),
    anchors: anchorsCheck(anchoring),
    exports: exportsCheck(schedules),
  };
  return { ok: Object.values(checks).every(({ ok }) => ok), checks };
}

function journalCheck(recorder: Recorder): Check {
  const { trouble } = recorder;
  if (trouble === null) return { ok: true, detail: "events are durable" };
  return { ok: false, detail: trouble, remedy: "Make room on the journal's disk, or restart Daybook." };
}

/** A warning: what is recorded is durable, and sealed when this has ended. By the codes of SealingRefused. */
const UNSEALED: Readonly<Record<string, string>> = {
  key_missing: "Put the slot's files key and keys back: no other key is made for a log that has one.",
  keys_unreadable: "Put the slot's file keys back: the store has it too.",
  rolled_back:
    "The log is not the one that was sealed. Keep the folder as it is, and run daybook verify; restart Daybook to go on with another log.",
  roots_differ: "The tiles are not those of the log. Keep the folder as it is, and run daybook verify.",
  leaves_missing:
    "The journal lacks events that no checkpoint covers. Run daybook verify, then restart Daybook.",
};

function sealingCheck({ sealing }: Pick<JournalClient, "sealing">): Check {
  const { size, trouble } = sealing;
  if (trouble === null) return { ok: true, detail: `sealed up to ${size}` };
  const remedy = UNSEALED[trouble] ?? "Check the disk of the slot's folder: it is tried again each second.";
  return { ok: true, detail: `nothing is sealed: ${trouble}`, remedy };
}

function shippingCheck({ status, lag }: Delivery): Check {
  if (status.state === "shipping") return { ok: true, detail: `${lag} records behind` };
  const detail = `${status.state}: ${status.reason ?? "unknown"}, ${lag} records behind`;
  return {
    ok: false,
    detail,
    remedy: "Nothing is lost while the journal has room. Check the store, then restart Daybook.",
  };
}

/** A warning: requests are served all the same. */
function anchorsCheck({ statuses }: Pick<Anchoring, "statuses">): Check {
  const remedy =
    "Set anchors in daybook.yaml: without one, that the end of a log was cut off cannot be seen.";
  if (statuses.length === 0) return { ok: true, detail: "none is configured", remedy };
  const failing = statuses.filter(({ trouble }) => trouble !== null);
  if (failing.length === 0) return { ok: true, detail: `${statuses.length} told` };
  const detail = failing.map(({ kind, index, trouble }) => `${kind} ${index} fails: ${trouble}`).join(", ");
  return {
    ok: true,
    detail,
    remedy:
      "Check the place that it names, over TLS also its certificate (NODE_EXTRA_CA_CERTS names an authority of your own); " +
      "what is sealed meanwhile is told later.",
  };
}

/** A warning, too. */
function exportsCheck({ failing }: Pick<ScheduleRunner, "failing">): Check {
  if (failing.size === 0) return { ok: true, detail: "no schedule fails" };
  const detail = [...failing].map(([name, code]) => `${name} fails: ${code}`).join(", ");
  return { ok: true, detail, remedy: "Check the target; the next run has what this one should have had." };
}

async function healthCheck(probe: () => Promise<void>, remedy: string): Promise<Check> {
  try {
    await probe();
    return { ok: true, detail: "answers" };
  } catch (error) {
    return { ok: false, detail: nativeCode(error), remedy };
  }
}
