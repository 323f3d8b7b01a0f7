// A sealed log whose bits are to be flipped: every field is in it, most events are short, and so is what they lie in.
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FIELDS, type FieldSpec } from "../../src/event/fields.ts";
import type { Cells } from "../support/events.ts";
import { SealedLog } from "./sealed-log.ts";

const PAGE_BYTES = 1024;
/** Of so many events one is as it comes; the others share its optional fields among them. */
const ROUND = 16;
const SHORT: Cells = {
  kind: "inference",
  action: "chat",
  count: 1,
  caller: "http",
  status: "success",
  policy_decision: "n/a",
};
const OPTIONAL = (FIELDS as readonly FieldSpec[]).filter(({ required }) => required !== true);

function cells(seq: number): Cells {
  const turn = seq % ROUND;
  if (turn === 0) return {};
  const left = OPTIONAL.filter((_, index) => index % (ROUND - 1) !== turn - 1);
  return { ...SHORT, ...Object.fromEntries(left.map(({ name }) => [name, null])) };
}

/** The data folder of a server that was closed in order. */
export async function makeTamperedLog(home: string, events: number): Promise<void> {
  const log = new SealedLog(home);
  // What comes before a damaged commit is read each time: the first is the largest.
  for (const count of [events - 32, 16, 16]) log.record(count, cells);
  log.journal.close();
  log.seal();
  await log.ship();
  const db = new DatabaseSync(join(home, "events.db"));
  db.exec(
    `PRAGMA journal_mode = delete; PRAGMA page_size = ${PAGE_BYTES}; VACUUM; PRAGMA journal_mode = wal`,
  );
  db.close();
  for (const end of ["-wal", "-shm"]) rmSync(join(home, `events.db${end}`), { force: true });
}

/** All files below, by path. */
export function filesIn(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)));
  return paths.filter((path) => statSync(path).isFile()).sort();
}
