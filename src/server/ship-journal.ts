// Ships one slot's journal into the store and ends: what a start would do, without a gateway. The slot is held
// meanwhile, so that no server writes to the same journal.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ChargesCopy } from "../control/charges.ts";
import { openControl } from "../control/control.ts";
import { SealShipper } from "../delivery/seal-shipper.ts";
import { Shipper, type ShipperStatus } from "../delivery/shipper.ts";
import type { Charges } from "../event/charges.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { DurableMark } from "../journal/durable.ts";
import { realFiles } from "../journal/files.ts";
import { Journal } from "../journal/journal.ts";
import { newestCommit } from "../journal/newest.ts";
import { openSealer } from "../journal/sealer.ts";
import { seeSlot } from "../journal/seen-slots.ts";
import { type Slot, trySlot } from "../journal/slot.ts";
import { JournalTail, type Lost } from "../journal/tail.ts";
import { openStore } from "../stores/open-store.ts";
import type { Position, Store } from "../stores/store.ts";

export interface ShipJob {
  /** Data folder. */
  readonly home: string;
  readonly slot: number;
  /** Address of the store. */
  readonly store: string;
  /** Wall clock, UTC ms. */
  readonly now: () => number;
  /** How far the store is, of the journal's last seq. */
  readonly onProgress: (seq: number, lastSeq: number) => void;
  /** Ends it early; what is shipped stays shipped. */
  readonly signal: AbortSignal;
}

export interface Shipped {
  readonly nodeId: string;
  /** Requests without an end that are now recorded as interrupted. */
  readonly interrupted: number;
  readonly uncleanStop: boolean;
  readonly tornBytes: number;
  /** Last seq of the journal. */
  readonly lastSeq: number;
  /** Where the store was, and where it is now. */
  readonly before: Position | null;
  readonly after: Position | null;
  /** Null: everything is shipped. Else `aborted`, `lost`, `node_forked`, `store_ahead`, or the store's native code. */
  readonly reason: string | null;
  /** Events that cannot be shipped any more, before what is not shipped yet. */
  readonly lost: Lost | null;
}

/** A store that fails as often in a row, without anything shipped between, is given up: half a minute or so. */
const MAX_RETRIES = 6;

/**
 * Recovers the journal, closes it in order and ships all of it; a retired one is shipped as it is. Events that are
 * lost are not skipped: that is for a server, which records it. Rejects with `bad_argument` (no such slot),
 * `folder_in_use`, `journal_corrupt`, `newer_version`, `store_unusable`.
 */
export async function shipJournal(job: ShipJob): Promise<Shipped> {
  const slot = take(job);
  try {
    const { recovered, lastLsn, lastSeq } = slot.retired === null ? recover(slot, job.now) : ended(slot);
    const store = await openStore(job.store, "write");
    try {
      await store.restoreCharges(await copiedCharges(job));
      const at = async () => (await store.positions()).find(({ nodeId }) => nodeId === slot.nodeId) ?? null;
      const before = await at();
      const { reason, lost } = await ship(job, slot, store, { lastLsn, lastSeq });
      await store.checkpoint();
      return { nodeId: slot.nodeId, ...recovered, lastSeq, before, after: await at(), reason, lost };
    } finally {
      await store.close();
    }
  } finally {
    slot.release();
  }
}

function take({ home, slot: index }: ShipJob): Slot {
  const seen = seeSlot(home, index);
  if (!existsSync(seen.folder))
    throw new DaybookError("bad_argument", `There is no slot ${index} in ${home}.`);
  const slot = trySlot(home, index);
  if (slot !== null) return slot;
  const holder = seen.pid === null ? "another process" : `process ${seen.pid}`;
  throw new DaybookError("folder_in_use", `slot ${index} of ${home} belongs to ${holder}`);
}

/** The copy of what users were charged; none where control.db is not there. */
async function copiedCharges({ home, now }: ShipJob): Promise<Charges> {
  const path = join(home, "control.db");
  if (!existsSync(path)) return { upTo: {}, sums: [] };
  const control = openControl({ path, clock: now });
  try {
    return await new ChargesCopy(control).read();
  } finally {
    await control.close();
  }
}

function recover({ folder: slotFolder, journalFolder: folder, nodeId }: Slot, now: () => number) {
  try {
    const journal = Journal.open({ files: realFiles, folder, nodeId, now });
    journal.close();
    seal(slotFolder, nodeId, journal, now);
    const { recovered, lastLsn, lastSeq } = journal;
    return { recovered, lastLsn, lastSeq };
  } catch (error) {
    if (error instanceof DaybookError) throw error;
    throw new DaybookError("folder_unusable", `${folder}: ${nativeCode(error)}`, { cause: error });
  }
}

/** What cannot be sealed now is shipped all the same; the next server says why. */
function seal(slotFolder: string, nodeId: string, { lastSeq, root }: Journal, now: () => number): void {
  try {
    openSealer({ slotFolder, nodeId, now }, { lastSeq, root }).seal();
  } catch {
    // The events stay an unsealed tail.
  }
}

/** A retired log has all that it will ever have. */
function ended({ journalFolder }: Slot) {
  const { lastLsn = 0, lastSeq = 0 } = newestCommit(realFiles, journalFolder) ?? {};
  return { recovered: { interrupted: 0, uncleanStop: false, tornBytes: 0 }, lastLsn, lastSeq };
}

async function ship(
  { onProgress, signal }: ShipJob,
  { folder: slotFolder, journalFolder: folder, nodeId }: Slot,
  store: Store,
  { lastLsn, lastSeq }: { readonly lastLsn: number; readonly lastSeq: number },
): Promise<Pick<Shipped, "reason" | "lost">> {
  const durable = new DurableMark();
  durable.publish(lastLsn);
  const tail = new JournalTail({ files: realFiles, folder, durableLsn: () => lastLsn, segments: () => 0 });
  const done = new AbortController();
  const told: { status: ShipperStatus | null; lost: Lost | null } = { status: null, lost: null };
  let retriesBefore = 0;
  const onStatus = (said: ShipperStatus) => {
    if (said.shippedLsn > (told.status?.shippedLsn ?? 0)) retriesBefore = said.retries;
    told.status = said;
    onProgress(said.shippedSeq, lastSeq);
    const isWhole = said.state === "shipping" && said.shippedLsn >= lastLsn;
    if (isWhole || said.retries - retriesBefore > MAX_RETRIES) done.abort();
  };
  const onLost = async (lost: Lost) => {
    told.lost = lost;
    done.abort();
    throw new Error("nothing here could record what is lost");
  };
  const sleep = async (ms: number, ended: AbortSignal) => {
    await delay(ms, undefined, { signal: ended }).catch(() => {});
  };
  const seals = new SealShipper(store, nodeId, slotFolder);
  const shipper = new Shipper({ store, tail, durable, nodeId, seals, onStatus, onLost, sleep });
  await shipper.run(AbortSignal.any([done.signal, signal]));
  tail.close();
  const { status, lost } = told;
  if (lost !== null) return { reason: "lost", lost };
  if (status !== null && status.state !== "shipping") return { reason: status.reason, lost };
  return { reason: status !== null && status.shippedLsn >= lastLsn ? null : "aborted", lost };
}
