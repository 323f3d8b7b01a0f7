// A slot is one process's place in the data folder: nodes/<n>/ with lock, identity and journal. The lock is a
// SQLite connection that holds BEGIN EXCLUSIVE on lock.db: Node has no flock, and this one dies with its process.
//
// A slot is free (nobody holds its lock), held, or retired: its log has ended for good, because it was damaged or
// is older than what was shipped of it. A retired slot is shipped and never written again; the process that retired
// it takes another one, whose log names its predecessor.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { newNodeId } from "../event/ids.ts";
import { realFiles } from "./files.ts";

/** Older: the journal ends before what was shipped, or before what was signed. */
export type RetiredBecause = "damaged" | "older_than_store" | "older_than_checkpoint";

export interface Slot {
  readonly number: number;
  readonly folder: string;
  readonly journalFolder: string;
  readonly nodeId: string;
  /** The node whose log this one goes on from. */
  readonly predecessor: string | null;
  readonly retired: RetiredBecause | null;
  /** Ends this slot's log for good. */
  retire(because: RetiredBecause): void;
  /** Idempotent. */
  release(): void;
}

interface Identity {
  readonly format: 1;
  readonly node_id: string;
  readonly predecessor?: string;
  readonly retired?: RetiredBecause;
}

/** Slots of one folder; more processes than this on one folder is a mistake. */
const MAX_SLOTS = 1024;
const SQLITE_BUSY = 5;

/** Takes the lowest free slot that is not retired, making it when it is not there (folders 0700, files 0600). */
export function takeSlot(home: string, predecessor: string | null = null): Slot {
  for (let number = 0; number < MAX_SLOTS; number++) {
    const slot = trySlot(home, number, predecessor);
    if (slot?.retired === null) return slot;
    slot?.release();
  }
  throw new DaybookError("folder_in_use", `${home} has ${MAX_SLOTS} slots, all of them taken`);
}

/** The numbers of the slots that are there. */
export function listSlots(home: string): number[] {
  const folder = join(home, "nodes");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^\d{1,4}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Takes this slot, retired or not; null when another process holds it. */
export function trySlot(home: string, number: number, predecessor: string | null = null): Slot | null {
  const folder = join(home, "nodes", String(number));
  const journalFolder = join(folder, "journal");
  try {
    mkdirSync(journalFolder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DaybookError("folder_unusable", `${home}: ${nativeCode(error)}`, { cause: error });
  }
  const lock = takeLock(home, folder);
  if (lock === null) return null;
  try {
    const path = join(folder, "node.json");
    const identity = readIdentity(path) ?? makeIdentity(path, predecessor);
    return {
      number,
      folder,
      journalFolder,
      nodeId: identity.node_id,
      predecessor: identity.predecessor ?? null,
      retired: identity.retired ?? null,
      retire: (because) => writeIdentity(path, { ...identity, retired: because }),
      release: () => lock.isOpen && lock.close(),
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

function takeLock(home: string, folder: string): DatabaseSync | null {
  const path = join(folder, "lock.db");
  try {
    if (!existsSync(path)) writeFileSync(path, "", { mode: 0o600 });
    const lock = new DatabaseSync(path);
    try {
      lock.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
    } catch (error) {
      lock.close();
      throw error;
    }
    writeFileSync(join(folder, "holder.pid"), String(process.pid), { mode: 0o600 });
    return lock;
  } catch (error) {
    if ((error as { errcode?: unknown }).errcode === SQLITE_BUSY) return null;
    throw new DaybookError("folder_unusable", `${home}: ${nativeCode(error)}`, { cause: error });
  }
}

function readIdentity(path: string): Identity | null {
  if (!existsSync(path)) return null;
  const found = JSON.parse(readFileSync(path, "utf8")) as Identity;
  if (found.format !== 1 || typeof found.node_id !== "string") throw new DaybookError("newer_version", path);
  return found;
}

function makeIdentity(path: string, predecessor: string | null): Identity {
  const made: Identity = {
    format: 1,
    node_id: newNodeId(),
    ...(predecessor === null ? {} : { predecessor }),
  };
  writeIdentity(path, made);
  return made;
}

function writeIdentity(path: string, identity: Identity): void {
  writeFileSync(`${path}.new`, JSON.stringify(identity), { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
  realFiles.syncFolder(dirname(path));
}
