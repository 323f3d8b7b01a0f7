// A copy of the data folder while it is in use. The order makes it whole: the store first, then control.db, the journals
// last. So every event that the store's copy lacks is in the journals' copy, and every admin change whose entry left the
// outbox is in them too; the copy's start ships and recovers as after a power cut.
import { closeSync, existsSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Config } from "../config/config.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { realFiles } from "../journal/files.ts";
import { seeSlot } from "../journal/seen-slots.ts";
import { listSegments } from "../journal/segments.ts";
import { listSlots } from "../journal/slot.ts";
import { JournalTail } from "../journal/tail.ts";
import { openOwnNode } from "../node/own-node.ts";
import { openStore } from "../stores/open-store.ts";
import { copyFile, copyFolder, makeFolder, syncFile } from "./copy-folder.ts";

export interface BackedUp {
  /** How far the copies are with each node: the store's, and the journal's beyond it. */
  readonly nodes: readonly {
    readonly nodeId: string;
    readonly storedSeq: number;
    readonly lastSeq: number;
  }[];
}

/** In the data folder beside the databases and `nodes`; what is there goes along. */
const OTHERS = ["secret.key", "daybook.yaml"];
/**
 * In a slot. The checkpoint comes before the tiles and the journal, so that it is never ahead of them; the chain of keys
 * after the keys, so that whichever it ends with is there, also when they change meanwhile.
 */
const OF_SLOT = ["checkpoint", "key.next", "key", "keys", "drops"];
const FOLDERS = ["tile", "journal"];
/** Last: a slot that has it is whole. */
const IDENTITY = "node.json";

/**
 * Copies the data folder and the store into `folder`, which must be empty or not there. To restore it, use it (or a copy
 * of it) as the data folder. The backup is an event of the trail before anything is copied. Rejects with `bad_argument`,
 * or with `backup_failed` and what kept it from being whole; then `folder` is no backup.
 */
export async function backUp(config: Config, folder: string): Promise<BackedUp> {
  await using node = await openOwnNode(config);
  makeEmpty(folder);
  if (!(await node.recorder.system("backed_up", {})))
    throw new DaybookError("audit_unavailable", "nothing was copied");
  try {
    const copy = join(folder, "events.db");
    const store = await openStore(config.store, "read");
    await store.backup(copy).finally(() => store.close());
    syncFile(copy);
    copyDatabase(join(config.home, "control.db"), join(folder, "control.db"));
    for (const name of OTHERS) copyFile(config.home, folder, name);
    makeFolder(join(folder, "nodes"));
    for (const slot of listSlots(config.home)) copySlot(config.home, folder, slot);
    return { nodes: await checked(folder) };
  } catch (error) {
    if (error instanceof DaybookError) throw error;
    throw new DaybookError("backup_failed", `${folder}: ${nativeCode(error)}`, { cause: error });
  }
}

function makeEmpty(folder: string): void {
  try {
    makeFolder(folder);
    if (readdirSync(folder).length === 0) return;
  } catch (error) {
    throw new DaybookError("bad_argument", `Cannot write to ${folder} (${nativeCode(error)}).`, {
      cause: error,
    });
  }
  throw new DaybookError("bad_argument", `${folder} is not empty: a backup needs a folder of its own.`);
}

/** One moment of it, while others write. */
function copyDatabase(from: string, to: string): void {
  if (!existsSync(from)) return;
  const database = new DatabaseSync(from, { timeout: 5000 });
  try {
    closeSync(openSync(to, "ax", 0o600));
    database.prepare("VACUUM INTO ?").run(to);
  } finally {
    database.close();
  }
  syncFile(to);
}

function copySlot(home: string, folder: string, number: number): void {
  const [from, to] = [home, folder].map((place) => join(place, "nodes", String(number))) as [string, string];
  makeFolder(to);
  for (const name of OF_SLOT) copyFile(from, to, name);
  for (const name of FOLDERS) copyFolder(join(from, name), join(to, name));
  copyFile(from, to, IDENTITY);
}

/** Every journal goes on from where the store is, with nothing missing between. */
async function checked(folder: string): Promise<BackedUp["nodes"]> {
  const store = await openStore(`sqlite:${join(folder, "events.db")}`, "read");
  const positions = await store.positions().finally(() => store.close());
  return listSlots(folder).flatMap((number) => {
    const { nodeId, isRetired, journalFolder } = seeSlot(folder, number);
    if (nodeId === null || isRetired || listSegments(realFiles, journalFolder).length === 0) return [];
    const position = positions.find((known) => known.nodeId === nodeId) ?? null;
    const storedSeq = position?.seq ?? 0;
    const tail = new JournalTail({
      files: realFiles,
      folder: journalFolder,
      durableLsn: () => Number.MAX_SAFE_INTEGER,
      segments: () => 0,
    });
    try {
      let lastSeq = storedSeq;
      let isWhole = tail.seek(position) === "found";
      for (let read = tail.read(1000); isWhole && read !== null; read = tail.read(1000)) {
        isWhole = read.lost === null;
        lastSeq = read.seq;
      }
      if (!isWhole)
        throw new DaybookError(
          "backup_failed",
          `${folder}: the journal of node ${nodeId} went on without it`,
        );
      return { nodeId, storedSeq, lastSeq };
    } finally {
      tail.close();
    }
  });
}
