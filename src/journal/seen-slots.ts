// The slots of a data folder seen from outside, while their processes may be running: nothing is taken or changed.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { nativeCode } from "../event/errors.ts";

export interface SeenSlot {
  readonly index: number;
  readonly folder: string;
  readonly journalFolder: string;
  /** Null: there is none yet, or it cannot be read (`identity`). */
  readonly nodeId: string | null;
  readonly identity: "good" | "none" | "newer" | "unreadable";
  /** Its log has ended for good (slot.ts). */
  readonly isRetired: boolean;
  /** `unknown`: the lock cannot be asked; `reason` is a native code. */
  readonly lock: "held" | "free" | "unknown";
  readonly reason: string | null;
  /** Of the process that holds the lock. */
  readonly pid: number | null;
}

/** All slots, in order. Throws the disk's error when the folder cannot be listed. */
export function seeSlots(home: string): SeenSlot[] {
  const nodes = join(home, "nodes");
  if (!existsSync(nodes)) return [];
  return readdirSync(nodes)
    .filter((name) => /^\d{1,9}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
    .map((index) => seeSlot(home, index));
}

export function seeSlot(home: string, index: number): SeenSlot {
  const folder = join(home, "nodes", String(index));
  return {
    index,
    folder,
    journalFolder: join(folder, "journal"),
    ...identityIn(join(folder, "node.json")),
    ...lockOf(join(folder, "lock.db"), join(folder, "holder.pid")),
  };
}

function identityIn(path: string): Pick<SeenSlot, "nodeId" | "identity" | "isRetired"> {
  const unknown = { nodeId: null, isRetired: false };
  if (!existsSync(path)) return { ...unknown, identity: "none" };
  try {
    const {
      format,
      node_id: nodeId,
      retired,
    } = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    if (format !== 1) return { ...unknown, identity: "newer" };
    if (typeof nodeId === "string" && /^[0-9a-f]{16}$/.test(nodeId))
      return { nodeId, identity: "good", isRetired: retired !== undefined };
  } catch {
    // Told as unreadable, whatever the reason.
  }
  return { ...unknown, identity: "unreadable" };
}

function lockOf(path: string, holder: string): Pick<SeenSlot, "lock" | "reason" | "pid"> {
  if (!existsSync(path)) return { lock: "free", reason: null, pid: null };
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    // Refused while another connection has the lock; else it is given back before anybody can miss it.
    db.exec("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK");
    return { lock: "free", reason: null, pid: null };
  } catch (error) {
    const { errcode } = error as { errcode?: unknown };
    if (errcode === 5) return { lock: "held", reason: null, pid: pidIn(holder) };
    const reason = typeof errcode === "number" ? `SQLite error ${errcode}` : nativeCode(error);
    return { lock: "unknown", reason, pid: null };
  } finally {
    db?.close();
  }
}

function pidIn(path: string): number | null {
  try {
    const text = readFileSync(path, "utf8").trim();
    return /^\d{1,10}$/.test(text) ? Number(text) : null;
  } catch {
    return null;
  }
}
