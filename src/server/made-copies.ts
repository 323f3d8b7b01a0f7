// What jobs have made of events, in the slots of the data folder: exports and bundles. An erasure takes them away.
import { existsSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Jobs } from "../api/jobs.ts";
import { type SeenSlot, seeSlots } from "../journal/seen-slots.ts";
import { trySlot } from "../journal/slot.ts";

/** What a job has that holds no event. */
const HARMLESS: ReadonlySet<string> = new Set(["job.json", "job.json.new", "reports.json"]);

/** True: none is left. False: another process has some; it takes them away itself. */
export async function removeCopies(
  home: string,
  own: number,
  jobs: Pick<Jobs, "list" | "remove">,
): Promise<boolean> {
  for (const { id, kind } of jobs.list()) if (kind !== "verify") await jobs.remove(id);
  let isFree = true;
  for (const slot of seeSlots(home)) {
    if (slot.index === own || !hasCopies(slot)) continue;
    const taken = trySlot(home, slot.index);
    if (taken === null) isFree = false;
    else await rm(join(slot.folder, "jobs"), { recursive: true, force: true }).finally(() => taken.release());
  }
  return isFree;
}

function hasCopies({ folder }: SeenSlot): boolean {
  const jobs = join(folder, "jobs");
  if (!existsSync(jobs)) return false;
  return readdirSync(jobs).some((id) => readdirSync(join(jobs, id)).some((name) => !HARMLESS.has(name)));
}
