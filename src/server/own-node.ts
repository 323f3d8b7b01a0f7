// A node of a command's own, beside a running server or without one: what the command does is recorded, sealed and
// shipped like everything else. What cannot be shipped now is in the journal, for a server to adopt.
import type { Config } from "../config/config.ts";
import { Delivery } from "../delivery/delivery.ts";
import { Recorder } from "../recorder/recorder.ts";
import { makeFolder } from "./folder.ts";
import { openNode } from "./node.ts";
import { Openings } from "./openings.ts";

export interface OwnNode extends AsyncDisposable {
  readonly recorder: Recorder;
  readonly delivery: Delivery;
  /** Resolves true when a checkpoint covers all that is recorded now. */
  readonly sealed: () => Promise<boolean>;
}

const MIB = 2 ** 20;
const SHIP_MS = 5000;

export async function openOwnNode(
  config: Pick<Config, "home" | "store" | "journal" | "audit" | "profile">,
): Promise<OwnNode> {
  const openings = new Openings();
  try {
    makeFolder(config.home);
    const { maxMb, reserveMb } = config.journal;
    const limits = { maxBytes: maxMb * MIB, reserveBytes: reserveMb * MIB };
    const { slot, journal } = await openNode(config.home, config.store, limits);
    openings.add(() => slot.release());
    openings.add(() => journal.close());
    const recorder = new Recorder({ journal, modes: config.audit.modes, profile: config.profile });
    openings.add(() => recorder.close());
    const delivery = await Delivery.open({ address: config.store, slot, durable: journal.durable });
    openings.add(async () => {
      await recorder.close();
      await delivery.caughtUp(SHIP_MS);
      await delivery.close();
    });
    const sealed = () => journal.sealed();
    return { recorder, delivery, sealed, [Symbol.asyncDispose]: () => openings.close() };
  } catch (error) {
    await openings.close().catch(() => {});
    throw error;
  }
}
