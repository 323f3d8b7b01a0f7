// A store with many events, made once for all the benches of a run, and removed with the process.
import { join } from "node:path";
import { openStore } from "../src/stores/open-store.ts";
import type { Store } from "../src/stores/store.ts";
import { number } from "./harness.ts";
import { benchFolder } from "./recording.ts";
import { Traffic } from "./traffic.ts";

export interface FilledStore {
  readonly file: string;
  readonly address: string;
  readonly store: Store;
  /** Goes on where the store ends. */
  readonly traffic: Traffic;
}

const DAYS = 60;
const DAY_MS = 86_400_000;
const BATCH = 1000;

const filled = new Map<number, Promise<FilledStore>>();

/** `events` over 60 days. */
export function filledStore(events: number, say: (line: string) => void): Promise<FilledStore> {
  const made = filled.get(events) ?? fill(events, say);
  filled.set(events, made);
  return made;
}

async function fill(events: number, say: (line: string) => void): Promise<FilledStore> {
  const folder = benchFolder();
  const file = join(folder, "events.db");
  const address = `sqlite:${file}`;
  const store = await openStore(address, "write");
  const traffic = new Traffic({ stepMs: (DAYS * DAY_MS) / events });
  for (let done = 0; done < events; done += BATCH) {
    await store.append(traffic.next(BATCH));
    if (done % 500_000 === 0) say(`${number(done)} of ${number(events)} events are in the store`);
  }
  await store.checkpoint();
  return { file, address, store, traffic };
}
