// Two sealed logs in memory, with everything in them that an honest log may have: checkpoints, a change of key, an
// erased event, a gap that retention made and told of, and anchors outside.
import { generateKeyPairSync, sign } from "node:crypto";
import { encodeRow } from "../../src/event/encode.ts";
import { COLUMN } from "../../src/event/fields.ts";
import { erased, isErased, type JournalEvent } from "../../src/event/leaf.ts";
import { answered } from "../../src/event/outcomes.ts";
import { parsePruned } from "../../src/event/pruned.ts";
import { systemFacts } from "../../src/event/system.ts";
import { originOf, writeCheckpoint } from "../../src/evidence/checkpoint.ts";
import { handoverText } from "../../src/evidence/key-chain.ts";
import { leafOf } from "../../src/evidence/leaves.ts";
import type { Anchored } from "../../src/evidence/log-check.ts";
import { Frontier, nodeHash } from "../../src/evidence/merkle.ts";
import { verifierKey, writeNote, writeVerifierKey } from "../../src/evidence/note.ts";
import { foldedHash, TILE_WIDTH } from "../../src/evidence/tiles.ts";
import { type FoundEvent, verifyPlace } from "../../src/evidence/verify.ts";
import { nodeSha256 } from "../../src/journal/signing-key.ts";
import { makeEvents, START_MS } from "../support/events.ts";

export interface WorldLog {
  readonly nodeId: string;
  keys: string | null;
  /** Oldest first. */
  notes: string[];
  end: { seq: number; root: string } | null;
  tiles: Map<string, Uint8Array>;
  events: JournalEvent[];
}

export interface World {
  logs: WorldLog[];
  anchors: Map<string, Anchored[]>;
}

export const A = "00000000000000a1";
export const B = "00000000000000b2";
/** What retention has taken of A, and told of within this range; a hold has kept the rest of it. */
export const PRUNED = { from: 31, to: 60, count: 10 } as const;
const [PRUNED_TOLD_AT, ERASED_AT] = [120, 70];
const SIZE = { [A]: 300, [B]: 50 } as const;
/** Few: signatures are most of what an attack costs. */
export const SEAL_EVERY = 50;
const HANDOVER = 200;

export function signer(nodeId: string) {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const key = verifierKey(originOf(nodeId), Uint8Array.from(raw), nodeSha256);
  return {
    key,
    text: writeVerifierKey(key),
    note: (text: string) => writeNote(text, key, sign(null, Buffer.from(text), privateKey)),
  };
}
export type Signer = ReturnType<typeof signer>;

export function checkpointText(nodeId: string, leaves: readonly Uint8Array[], size: number): string {
  const root = Uint8Array.from(Buffer.from(rootOf(leaves.slice(0, size)), "hex"));
  return writeCheckpoint({ origin: originOf(nodeId), size, root, at: START_MS + size });
}

export function rootOf(leaves: readonly Uint8Array[]): string {
  const frontier = new Frontier();
  for (const leaf of leaves) frontier.append(Buffer.from(leaf));
  return frontier.root();
}

export function tilesOf(leaves: readonly Uint8Array[]): Map<string, Uint8Array> {
  const tiles = new Map<string, Uint8Array>();
  let hashes: readonly Uint8Array[] = leaves;
  for (let level = 0; hashes.length > 0; level++) {
    const next: Uint8Array[] = [];
    for (let at = 0; at < hashes.length; at += TILE_WIDTH) {
      const tile = Uint8Array.from(Buffer.concat(hashes.slice(at, at + TILE_WIDTH)));
      tiles.set(`${level}/${at / TILE_WIDTH}`, tile);
      if (tile.length === TILE_WIDTH * 32) next.push(foldedHash(tile, nodeHash));
    }
    hashes = next;
  }
  return tiles;
}

/** The world, and the keys of A that nobody should have any more: the retired one, and the one in force. */
export function makeWorld(): { readonly world: World; readonly retired: Signer; readonly leaves: Leaves } {
  const [retired, current, other] = [signer(A), signer(A), signer(B)];
  const handover = retired.note(handoverText(A, current.key, HANDOVER));
  const chain = (keys: string[], handovers: string[]) => JSON.stringify({ format: 1, keys, handovers });
  const facts = {
    node: A,
    from_seq: PRUNED.from,
    to_seq: PRUNED.to,
    because: "age",
    inference: PRUNED.count,
  };
  const told = encodeRow(systemFacts("pruned", facts, START_MS), answered(null), { count: 0 });
  const all = makeEvents({ nodeId: A, count: SIZE[A] }).map((event, index) => {
    const seq = index + 1;
    if (seq !== PRUNED_TOLD_AT) return event;
    const row = told.slice();
    for (const name of ["node_id", "seq", "schema_version", "recorded_at"] as const)
      row[COLUMN[name]] = event.row[COLUMN[name]] ?? null;
    return { ...event, row };
  });
  const leaves = { [A]: all.map(leafOf), [B]: makeEvents({ nodeId: B, count: SIZE[B] }).map(leafOf) };
  const log = (
    nodeId: typeof A | typeof B,
    events: JournalEvent[],
    keys: string,
    by: (size: number) => Signer,
  ) => {
    const sizes = Array.from({ length: SIZE[nodeId] / SEAL_EVERY }, (_, index) => (index + 1) * SEAL_EVERY);
    return {
      nodeId,
      keys,
      notes: sizes.map((size) => by(size).note(checkpointText(nodeId, leaves[nodeId], size))),
      end: { seq: SIZE[nodeId], root: rootOf(leaves[nodeId]) },
      tiles: tilesOf(leaves[nodeId]),
      events,
    };
  };
  const kept = all
    .filter((_, index) => index + 1 < PRUNED.from || index + 1 >= PRUNED.from + PRUNED.count)
    .map((event) => (event.row[COLUMN.seq] === ERASED_AT ? erased(event) : event));
  const anchored = (nodeId: typeof A | typeof B, size: number) => ({
    size,
    root: rootOf(leaves[nodeId].slice(0, size)),
  });
  const world: World = {
    logs: [
      log(A, kept, chain([retired.text, current.text], [handover]), (size) =>
        size <= HANDOVER ? retired : current,
      ),
      log(B, makeEvents({ nodeId: B, count: SIZE[B] }), chain([other.text], []), () => other),
    ],
    anchors: new Map([
      [A, [anchored(A, 100), anchored(A, SIZE[A])]],
      [B, [anchored(B, SIZE[B])]],
    ]),
  };
  return { world, retired, leaves };
}
export type Leaves = Readonly<Record<string, readonly Uint8Array[]>>;

/** Another world with the same in it. What is an event, a note or a tile is replaced, never changed. */
export function copyOf({ logs, anchors }: World): World {
  return {
    logs: logs.map((log) => ({
      ...log,
      notes: [...log.notes],
      tiles: new Map(log.tiles),
      events: [...log.events],
    })),
    anchors: new Map([...anchors].map(([nodeId, list]) => [nodeId, [...list]])),
  };
}

const found = new WeakMap<JournalEvent, FoundEvent>();

function foundOf(event: JournalEvent): FoundEvent {
  const known = found.get(event);
  if (known !== undefined) return known;
  const { row } = event;
  const isTold = row[COLUMN.kind] === "system" && row[COLUMN.action] === "pruned";
  const made = {
    nodeId: String(row[COLUMN.node_id]),
    seq: Number(row[COLUMN.seq]),
    leaf: leafOf(event),
    isErased: isErased(event),
    pruned: isTold ? parsePruned(String(row[COLUMN.metadata])) : null,
  };
  found.set(event, made);
  return made;
}

export async function judge({ logs, anchors }: World, withAnchors: boolean) {
  const place = {
    name: "world",
    logs: logs.map(({ nodeId, keys, notes, end, tiles }) => ({
      nodeId,
      place: "world",
      keys,
      checkpoints: notes,
      end,
      firstSeq: 1,
      tile: async (level: number, index: number) => tiles.get(`${level}/${index}`) ?? null,
    })),
    async *events() {
      for (const { events } of logs) yield events.map(foundOf);
    },
  };
  const known = withAnchors ? anchors : new Map<string, Anchored[]>();
  return verifyPlace(place, { sha256: nodeSha256, trusted: null, anchors: known });
}
