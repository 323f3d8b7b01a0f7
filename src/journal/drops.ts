// How many events a node has dropped in its whole life, in a file of fixed size that is rewritten in place: what
// has been written survives a kill of the process, and costs the request thread no wait for the disk.
import { close, closeSync, openSync, readFileSync, write } from "node:fs";
import { join } from "node:path";

/** `<kind>_<reason>` → events. */
export type Drops = Readonly<Record<string, number>>;

export interface DropsFile {
  /** As of the opening. */
  readonly totals: Drops;
  /** Writes soon; of several calls meanwhile the last one counts. Never throws: the counts are in memory too. */
  save(totals: Drops): void;
  /** Lets go of the file when what is not written yet is. */
  close(): void;
}

const FILE_BYTES = 4096;

/** Opens or makes `drops` in the slot's folder (0600). A file that is not whole counts as empty. */
export function openDropsFile(slotFolder: string): DropsFile {
  const path = join(slotFolder, "drops");
  const descriptor = openSync(path, "a+", 0o600);
  closeSync(descriptor);
  const file = openSync(path, "r+");
  let writing = false;
  let closing = false;
  let next: Drops | null = null;
  const step = () => {
    if (writing) return;
    if (next === null) {
      if (closing) close(file, () => {});
      return;
    }
    const bytes = encode(next);
    next = null;
    writing = true;
    write(file, bytes, 0, bytes.length, 0, () => {
      writing = false;
      step();
    });
  };
  return {
    totals: decode(readFileSync(path, "utf8")),
    save(totals) {
      next = totals;
      step();
    },
    close() {
      closing = true;
      step();
    },
  };
}

function encode(drops: Drops): Buffer {
  return Buffer.alloc(FILE_BYTES, " ").fill(
    JSON.stringify(drops),
    0,
    Buffer.byteLength(JSON.stringify(drops)),
  );
}

function decode(text: string): Drops {
  try {
    return JSON.parse(text) as Drops;
  } catch {
    return {};
  }
}
