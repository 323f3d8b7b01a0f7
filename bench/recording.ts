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
    },
  };
}

const folders: string[] = [];
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/**
 * A folder that goes with the process, and no sooner: for a while ext4 passes over what was deleted each time that it makes
 * a file, and would be slower for whoever is measured next.
 */
export function benchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "daybook-bench-"));
  folders.push(folder);
  return folder;
}

function allKinds(mode: Mode): Record<Kind, Mode> {
  return Object.fromEntries(KINDS.map((kind) => [kind, mode])) as Record<Kind, Mode>;
}
