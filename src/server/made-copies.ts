// What jobs have made of events, in the slots of the data folder: exports and bundles. An erasure takes them away.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Jobs } from "../api/jobs.ts";
import { type SeenSlot, seeSlots } from "../journal/seen-slots.ts";
import { trySlot } from "../journal/slot.ts";

/** What a job has that holds no event; what it was asked for is in the first. */
const HARMLESS: ReadonlySet<string> = new Set(["job.json", "reports.json"]);

/** True: none is left. False: another process has some; it takes them away itself. */
export async function removeCopies(
  home: string,
  own: number,
  jobs: Pick<Jobs, "list" | "remove">,
): Promise<boolean> {
  for (const { id, kind } of jobs.list()) if (kind !== "verify") await jobs.remove(id);
  await removeUnknown(join(home, "nodes", String(own), "jobs"), jobs);
  let isFree = true;
  for (const slot of seeSlots(home)) {
    if (slot.index === own || !hasCopies(slot)) continue;
    const taken = trySlot(home, slot.index);
    if (taken === null) isFree = false;
    else await rm(join(slot.folder, "jobs"), { recursive: true, force: true }).finally(() => taken.release());
  }
  return isFree;
}

/** Folders of jobs that could not be read at the start. */
async function removeUnknown(folder: string, jobs: Pick<Jobs, "list">): Promise<void> {
  if (!existsSync(folder)) return;
  for (const id of readdirSync(folder))
    if (!jobs.list().some((job) => job.id === id))
      await rm(join(folder, id), { recursive: true, force: true });
}

function hasCopies({ folder }: SeenSlot): boolean {
  const jobs = join(folder, "jobs");
  if (!existsSync(jobs)) return false;
  return readdirSync(jobs).some(
    (id) =>
      readdirSync(join(jobs, id)).some((name) => !HARMLESS.has(name)) || mayName(join(jobs, id, "job.json")),
  );
}

/** What an export is to find may name somebody; a verification has times alone. */
function mayName(path: string): boolean {
  try {
    const { job } = JSON.parse(readFileSync(path, "utf8")) as { readonly job?: { readonly kind?: unknown } };
    return job?.kind !== "verify";
  } catch {
    return existsSync(path);
  }
}
