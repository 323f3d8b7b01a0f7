// The newest size and root that a node's log was seen at, on disk beside its journal. Not signed: it holds the log to
// what it was when segments were removed, against faults and not against forgers.
import { dirname } from "node:path";
import type { Files } from "./files.ts";

export interface Checkpoint {
  /** Events in the log. */
  readonly size: number;
  /** Merkle root over them, hex. */
  readonly root: string;
  /** UTC ms. */
  readonly at: number;
}

/** Replaces the file at `path`; durable when it returns. */
export function writeCheckpoint(files: Files, path: string, checkpoint: Checkpoint): void {
  const fresh = `${path}.new`;
  const folder = dirname(path);
  if (files.list(folder).includes("checkpoint.new")) files.remove(fresh);
  const descriptor = files.create(fresh);
  try {
    files.append(descriptor, Buffer.from(`${JSON.stringify(checkpoint)}\n`));
    files.sync(descriptor);
  } finally {
    files.close(descriptor);
  }
  files.rename(fresh, path);
  files.syncFolder(folder);
}
