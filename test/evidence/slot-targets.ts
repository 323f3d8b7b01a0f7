// The files of a sealed slot, in memory, whose bits can be flipped there. The verifier reads them as it reads a disk's.
import { readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { leafParts } from "../../src/event/leaf.ts";
import type { FoundEvent, Place } from "../../src/evidence/verify.ts";
import { type Files, realFiles } from "../../src/journal/files.ts";
import { listSegments, readSegment } from "../../src/journal/segments.ts";
import { ALL_TIME } from "../../src/places/found-event.ts";
import { slotPlace } from "../../src/places/slot-place.ts";
import { filesIn } from "./tampered-log.ts";
import { isGood, type Seen, type Target, verdictOf } from "./tampering.ts";

export async function slotTargets(home: string): Promise<Target[]> {
  const folder = join(home, "nodes", "0");
  const { node_id: nodeId } = JSON.parse(readFileSync(join(folder, "node.json"), "utf8"));
  const held = new Map(filesIn(folder).map((path) => [path, readFileSync(path)]));
  const files = inMemory(held);
  const place = () => slotPlace("slot", { folder, nodeId, files }, { notes: [], seq: 0 }, ALL_TIME);
  const known: (readonly FoundEvent[])[] = [];
  for await (const events of place().events()) known.push(events);
  /** The events are those of the journal, which is not what is flipped. */
  const sealed = async (): Promise<Seen> => {
    const verdict = await verdictOf({
      ...place(),
      async *events() {
        yield* known;
      },
    });
    return { verdict, exported: "" };
  };
  const recorded = async (): Promise<Seen> => {
    const verdict = await verdictOf(upToUnreadable(place()));
    if (!isGood(verdict)) return { verdict, exported: "" };
    const segments = listSegments(files, join(folder, "journal"));
    const commits = segments.flatMap(({ path }) => readSegment(files, path).commits);
    return {
      verdict,
      exported: JSON.stringify(commits.flatMap(({ finishes }) => finishes.map(leafParts))),
    };
  };
  return [...held]
    .map(([path, bytes]) => ({ name: relative(folder, path), bytes }))
    .filter(({ name }) => /^(tile|journal)\/|^checkpoint$|^keys$/.test(name))
    .map(({ name, bytes }) => {
      const look = name.startsWith("journal/") ? recorded : sealed;
      return { name, bits: bytes.length * 8, flip: flipIn(bytes), look, glance: look, end: () => {} };
    });
}

function flipIn(bytes: Buffer) {
  return (bit: number) => {
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  };
}

function inMemory(held: ReadonlyMap<string, Buffer>): Files {
  const folders = new Map<string, Set<string>>();
  for (const path of held.keys())
    for (let at = path; dirname(at) !== at; at = dirname(at)) {
      const names = folders.get(dirname(at)) ?? new Set();
      folders.set(dirname(at), names.add(basename(at)));
    }
  const found = <T>(value: T | undefined): T => {
    if (value === undefined) throw Object.assign(new Error("it is not there"), { code: "ENOENT" });
    return value;
  };
  return {
    ...realFiles,
    read: (path) => found(held.get(path)),
    list: (path) => [...found(folders.get(path))].sort(),
  };
}

/** What cannot be read as an event is told at once; nothing that comes later takes that back. */
function upToUnreadable(place: Place): Place {
  return {
    ...place,
    async *events() {
      for await (const events of place.events()) {
        yield events;
        if (events.some(({ seq }) => seq === 0)) return;
      }
    },
  };
}
