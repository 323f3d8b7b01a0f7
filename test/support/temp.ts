// Folders of a test's own. All are gone when the process is: what still runs in one may end in peace.
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEMORY = "/dev/shm";
/** Each Daybook keeps a reserve of 32 MiB. */
const ROOM_BYTES = 2 ** 31;
const roots = new Map<string, string>();

export function tempFolder(): string {
  return folderIn(tmpdir());
}

/** Where there is room, in memory: for tests that show nothing of the disk, whose syncs take longer than all they do. */
export function memoryFolder(): string {
  return folderIn(hasRoom() ? MEMORY : tmpdir());
}

function folderIn(place: string): string {
  const root = roots.get(place) ?? mkdtempSync(join(place, "daybook-test-"));
  if (!roots.has(place)) process.once("exit", () => rmSync(root, { recursive: true, force: true }));
  roots.set(place, root);
  return mkdtempSync(join(root, "folder-"));
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= ROOM_BYTES;
  } catch {
    // Only Linux has it.
    return false;
  }
}
