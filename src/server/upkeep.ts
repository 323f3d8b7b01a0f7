// What a server removes from the trail: by retention, and for persons who are erased; never what a legal hold finds.
import { filtersOf } from "../api/hold-filters.ts";
import type { Jobs } from "../api/jobs.ts";
import type { Config } from "../config/config.ts";
import type { ControlParts } from "../control/parts.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { JournalClient } from "../journal/journal-client.ts";
import type { Slot } from "../journal/slot.ts";
import type { Adoption } from "../node/adoption.ts";
import type { Openings } from "../node/openings.ts";
import type { Reader } from "../read/reader.ts";
import type { Recorder } from "../recorder/recorder.ts";
import type { Accounts } from "./accounts.ts";
import { Erasing } from "./erasing.ts";
import { report } from "./own-log.ts";
import { Retention, rulesOf } from "./retention.ts";

interface UpkeepParts {
  readonly slot: Slot;
  readonly parts: ControlParts;
  readonly reader: Reader;
  readonly recorder: Recorder;
  readonly delivery: Delivery;
  readonly journal: JournalClient;
  readonly accounts: Accounts;
  readonly jobs: Jobs;
  readonly adoption: Adoption;
}

/** Nothing runs before `start`. */
export function openUpkeep(openings: Openings, { home, audit }: Config, core: UpkeepParts) {
  const { slot, parts, reader, recorder, delivery, journal, accounts, jobs, adoption } = core;
  const retention = new Retention({
    rules: () => rulesOf(audit, Date.now(), filtersOf(parts.holds)),
    reader,
    recorder,
    delivery,
    sealed: () => journal.sealed(),
    report: (error) => report(error, "retention"),
  });
  openings.add(() => retention.close());
  // What is about to go may be held now.
  openings.add(parts.holds.follow(() => delivery.halt()));
  const erasing = new Erasing({
    home,
    own: slot,
    parts,
    reader,
    delivery,
    journal,
    accounts,
    jobs,
    adopt: () => adoption.round(),
    report: (error) => report(error, "erasure"),
  });
  openings.add(() => erasing.close());
  const start = () => {
    retention.start();
    erasing.start({ resume: true });
  };
  return { retention, start };
}
