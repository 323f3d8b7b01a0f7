// A node of this process's own, beside a running server or without one: what the process does is recorded, sealed and
// shipped like everything else. What cannot be shipped now is in the journal, for the next start or a server.
import { Delivery } from "../delivery/delivery.ts";
import type { Kind, Mode } from "../event/fields.ts";
import { openDropsFile } from "../journal/drops.ts";
import { Recorder } from "../recorder/recorder.ts";
import { Adoption } from "./adoption.ts";
import { makeFolder } from "./folder.ts";
import { type KeepingOptions, keptSegments, limitsOf } from "./kept-segments.ts";
import { openNode } from "./node.ts";
import { Openings } from "./openings.ts";
import { storePositions } from "./store-positions.ts";
import { tellLoss } from "./tell-loss.ts";

export interface OwnNodeOptions extends KeepingOptions {
  /** The data folder; made where it is missing. */
  readonly home: string;
  /** The store's address. */
  readonly store: string;
  /** Whether it looks after slots of processes that died; a server does it for its own folder. */
  readonly adopts?: boolean;
  /** Configuration profile that its events name. */
  readonly profile?: string | null;
  readonly audit: KeepingOptions["audit"] & { readonly modes: Readonly<Record<Kind, Mode>> };
}

export interface OwnNode extends AsyncDisposable {
  readonly recorder: Recorder;
  readonly delivery: Delivery;
  /** Resolves true when a checkpoint covers all that is recorded now. */
  readonly sealed: () => Promise<boolean>;
  /** Whether its threads keep the process running; they do unless told otherwise. */
  readonly hold: (isHeld: boolean) => void;
}

const SHIP_MS = 5000;

export async function openOwnNode(options: OwnNodeOptions): Promise<OwnNode> {
  const openings = new Openings();
  try {
    return await open(options, openings);
  } catch (error) {
    await openings.close().catch(() => {});
    throw error;
  }
}

async function open(options: OwnNodeOptions, openings: Openings): Promise<OwnNode> {
  const { home, store: address, audit, profile = null } = options;
  makeFolder(home);
  const { slot, journal, ended } = await openNode(home, address, limitsOf(options));
  openings.add(() => slot.release());
  openings.add(() => journal.close());
  const drops = openDropsFile(slot.folder);
  openings.add(() => drops.close());
  const recorder = new Recorder({ journal, modes: audit.modes, profile, drops });
  openings.add(() => recorder.close());
  for (const { nodeId: predecessor, because } of ended)
    void recorder.system("node_succeeded", { predecessor, because });
  const { keepBytes, keepMs } = keptSegments(options);
  const delivery = await Delivery.open({
    address,
    slot,
    durable: journal.durable,
    onDurableSeq: (seq) => journal.retire(seq, keepBytes, Date.now() - keepMs),
    onLost: (lost) => tellLoss(recorder, slot.nodeId, lost),
    onStopped: () => void recorder.system("node_forked", { node: slot.nodeId }),
  });
  openings.add(async () => {
    await recorder.close();
    await delivery.caughtUp(SHIP_MS);
    await delivery.close();
  });
  if (options.adopts) {
    const { modes } = audit;
    const adoption = new Adoption({
      home,
      own: slot,
      address,
      limits: limitsOf(options),
      modes,
      positions: () => storePositions(address),
      onLost: (nodeId, lost) => tellLoss(recorder, nodeId, lost),
    });
    openings.add(() => adoption.close());
    adoption.start();
  }
  return {
    recorder,
    delivery,
    sealed: () => journal.sealed(),
    hold(isHeld) {
      journal.hold(isHeld);
      delivery.hold(isHeld);
    },
    [Symbol.asyncDispose]: () => openings.close(),
  };
}
