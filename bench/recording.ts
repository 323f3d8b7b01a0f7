// A recorder over a journal of its own in a temporary folder, as a server has them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KINDS, type Kind, type Mode } from "../src/event/fields.ts";
import { JournalClient } from "../src/journal/journal-client.ts";
import { type Slot, takeSlot } from "../src/journal/slot.ts";
import { Recorder } from "../src/recorder/recorder.ts";

export interface Recording extends AsyncDisposable {
  readonly recorder: Recorder;
  readonly journal: JournalClient;
  readonly slot: Slot;
}

/** Removes its folder when it is disposed. */
export async function openRecording(mode: Mode): Promise<Recording> {
  const home = benchFolder();
  const slot = takeSlot(home);
  const journal = await JournalClient.open(slot);
  const recorder = new Recorder({ journal, modes: allKinds(mode) });
  return {
    recorder,
    journal,
    slot,
    async [Symbol.asyncDispose]() {
      await recorder.close();
      slot.release();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export function benchFolder(): string {
  return mkdtempSync(join(tmpdir(), "daybook-bench-"));
}

function allKinds(mode: Mode): Record<Kind, Mode> {
  return Object.fromEntries(KINDS.map((kind) => [kind, mode])) as Record<Kind, Mode>;
}
