// Flips single bits of all that a sealed log is kept in, and looks whether the verifier sees it.
import {
  closeSync,
  cpSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { leafParts } from "../../src/event/leaf.ts";
import { type FoundEvent, type Place, verifyPlace } from "../../src/evidence/verify.ts";
import { realFiles } from "../../src/journal/files.ts";
import { listSegments, readSegment } from "../../src/journal/segments.ts";
import { nodeSha256 } from "../../src/journal/signing-key.ts";
import { slotPlace } from "../../src/places/slot-place.ts";
import { storePlace } from "../../src/places/store-place.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { tempFolder } from "../support/temp.ts";
import { SealedLog } from "./sealed-log.ts";

const ALWAYS = { since: 0, until: Number.POSITIVE_INFINITY };

/** What a verification says, and the events that an export would hold; these are read only where the verdict is good. */
interface Seen {
  readonly verdict: string;
  readonly exported: string;
}

const GOOD = /^\[(\["[0-9a-f]{16}","VALID",\d+\],?)+\]$/;

export interface Target {
  readonly name: string;
  readonly path: string;
  readonly bits: number;
  readonly look: () => Promise<Seen>;
}

/** Everything that a log of `events` events is kept in, each file with the way to look at it. */
export async function targetsOf(events: number): Promise<Target[]> {
  const made = new SealedLog();
  for (let done = 0; done < events; done += 16) made.record(Math.min(16, events - done));
  const journal = made.journal;
  journal.close();
  made.seal();
  await made.ship();
  const home = tempFolder();
  cpSync(made.home, home, { recursive: true });
  const slot = { folder: join(home, "nodes", "0"), nodeId: made.nodeId };
  const known = await eventsAt(slotPlace("slot", slot, { notes: [], seq: 0 }, ALWAYS));
  const sealed = async (): Promise<Seen> => {
    const place = slotPlace("slot", slot, { notes: [], seq: 0 }, ALWAYS);
    return { verdict: await verdictOf({ ...place, events: () => parts(known) }), exported: "" };
  };
  const recorded = async (): Promise<Seen> => {
    const verdict = await verdictOf(slotPlace("slot", slot, { notes: [], seq: 0 }, ALWAYS));
    if (!GOOD.test(verdict)) return { verdict, exported: "" };
    const segments = listSegments(realFiles, join(slot.folder, "journal"));
    const commits = segments.flatMap(({ path }) => readSegment(realFiles, path).commits);
    const events = commits.flatMap(({ finishes }) => finishes.map(leafParts));
    return { verdict, exported: JSON.stringify(events) };
  };
  const stored = () => lookAtStore(join(home, "events.db"));
  const files = (folder: string) =>
    readdirSync(folder, { recursive: true })
      .map((name) => join(folder, String(name)))
      .filter((path) => statSync(path).isFile());
  const target = (path: string, look: Target["look"]): Target => ({
    name: path.slice(home.length + 1),
    path,
    bits: statSync(path).size * 8,
    look,
  });
  return [
    ...files(join(slot.folder, "tile")).map((path) => target(path, sealed)),
    ...["checkpoint", "keys"].map((name) => target(join(slot.folder, name), sealed)),
    ...files(join(slot.folder, "journal")).map((path) => target(path, recorded)),
    target(join(home, "events.db"), stored),
  ];
}

async function lookAtStore(file: string): Promise<Seen> {
  const store = await openStore(`sqlite:${file}`, "read");
  try {
    const verdict = await verdictOf(await storePlace("store", store, ALWAYS));
    if (!GOOD.test(verdict)) return { verdict, exported: "" };
    const { events } = await store.scan(null, 100_000);
    return { verdict, exported: JSON.stringify(events.map(leafParts)) };
  } finally {
    await store.close();
  }
}

async function verdictOf(place: Place): Promise<string> {
  const reports = await verifyPlace(place, { sha256: nodeSha256, trusted: null, anchors: new Map() });
  return JSON.stringify(reports.map(({ nodeId, state, events }) => [nodeId, state, events]));
}

async function eventsAt(place: Place): Promise<(readonly FoundEvent[])[]> {
  const all: (readonly FoundEvent[])[] = [];
  for await (const events of place.events()) all.push(events);
  return all;
}

async function* parts(all: readonly (readonly FoundEvent[])[]) {
  yield* all;
}

export interface Unseen {
  readonly name: string;
  readonly bit: number;
}

/** Flips each of the bits in turn, and puts it back; those that nothing was seen of although the export differs. */
export async function flip(
  { name, path, look }: Target,
  bits: Iterable<number>,
): Promise<{ flips: number; unseen: Unseen[] }> {
  const good = readFileSync(path);
  const before = await look();
  const unseen: Unseen[] = [];
  const file = openSync(path, "r+");
  let flips = 0;
  for (const bit of bits) {
    const at = bit >> 3;
    writeSync(file, new Uint8Array([(good[at] ?? 0) ^ (1 << (bit & 7))]), 0, 1, at);
    flips++;
    // What cannot be read at all is seen.
    const after = await look().catch(() => null);
    if (after !== null && after.verdict === before.verdict && after.exported !== before.exported)
      unseen.push({ name, bit });
    writeSync(file, good, at, 1, at);
  }
  closeSync(file);
  writeFileSync(path, good);
  return { flips, unseen };
}
