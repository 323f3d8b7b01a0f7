// What it takes to verify: a sealed store with all its events, its tiles alone, and the proof of one event. The store's
// events are read, decoded and hashed anew, as `daybook verify` does.
import { fork } from "node:child_process";
import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { COLUMN } from "../src/event/fields.ts";
import { originOf, writeCheckpoint } from "../src/evidence/checkpoint.ts";
import { leafOf } from "../src/evidence/leaves.ts";
import { Frontier, nodeHash } from "../src/evidence/merkle.ts";
import { verifierKey, writeNote, writeVerifierKey } from "../src/evidence/note.ts";
import { verifyProof } from "../src/evidence/proof-file.ts";
import type { LogReport } from "../src/evidence/report.ts";
import { foldedHash, TILE_WIDTH } from "../src/evidence/tiles.ts";
import type { Place } from "../src/evidence/verify.ts";
import { nodeSha256 } from "../src/journal/signing-key.ts";
import { ALL_TIME } from "../src/places/found-event.ts";
import { verify } from "../src/places/look.ts";
import { proofOf } from "../src/places/make-proof.ts";
import { storePlace } from "../src/places/store-place.ts";
import { openStore } from "../src/stores/open-store.ts";
import type { Store, StoredTile } from "../src/stores/store.ts";
import { type FilledStore, filledStore } from "./filled-store.ts";
import { type Bench, interleave, type Measured, medianOf, number } from "./harness.ts";
import { question, STEP, type Verified } from "./load/verifier.ts";
import { NODE_ID, START_MS } from "./traffic.ts";

const EVENTS = 2_000_000;
const QUICK_EVENTS = 100_000;
const PROOFS = 200;
const PART = 1000;
const VERIFIER = fileURLToPath(new URL("./load/verifier.ts", import.meta.url));
const MIB = 2 ** 20;

export const bench: Bench = {
  name: "evidence",
  async run({ quick, rounds, say }) {
    const size = quick ? QUICK_EVENTS : EVENTS;
    const filled = await filledStore(size, say);
    const ids = await sealAll(filled);
    say("sealed");
    const reader = await openStore(filled.address, "read");
    const cases = [
      { name: "events", turn: () => eventsVerified(filled.address, size) },
      { name: "leaves", turn: () => leavesVerified(reader, size) },
      { name: "proof", turn: () => proofsVerified(reader, ids) },
    ];
    const results = await interleave(cases, { rounds, say });
    await reader.close();
    const more = { better: "more", unit: "/s" } as const;
    const less = { better: "less" } as const;
    const median = (name: string, measure: string) => results.median(name, measure);
    return {
      targets: [
        {
          what: "events verified from the store",
          measured: median("events", "events/s"),
          least: 80_000,
          goal: 80_000,
          ...more,
        },
        {
          what: "leaves verified, hashes only",
          measured: median("leaves", "leaves/s"),
          least: 200_000,
          goal: 200_000,
          ...more,
        },
        {
          what: "a proof made and verified, p50",
          measured: median("proof", "ms"),
          least: 5,
          goal: 5,
          unit: " ms",
          ...less,
        },
        {
          what: "memory that verifying all events adds, for each thread that reads",
          measured: median("events", "MiB"),
          least: 128,
          goal: 64,
          unit: " MiB",
          ...less,
        },
        {
          what: "memory that a further million events adds, by slope",
          measured: median("events", "MiB a million"),
          least: 32,
          goal: 16,
          unit: " MiB",
          ...less,
        },
      ],
      tables: [
        {
          caption: "Memory of the process while all events are verified: leaves first, then events",
          head: ["read so far", "RSS, MiB"],
          rows: SHARES.map((share) => [
            `${number(2 * size * share)}`,
            number(median("events", memoryAt(share))),
          ]),
        },
      ],
    };
  },
};

/** Of the leaves and events that a verification reads, where memory is looked at. */
const SHARES = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
const memoryAt = (share: number) => `RSS at ${share}`;

/** Tiles and a checkpoint over all events of the store; returns the ids of some of them. */
async function sealAll({ store, traffic }: FilledStore): Promise<string[]> {
  const [frontier, levels, ids] = [new Frontier(), [[]] as Buffer[][], [] as string[]];
  for (let after: number | null | undefined; after !== null; ) {
    const { events, next } = await store.scan(after ?? null, PART);
    const [first] = events;
    if (first !== undefined) ids.push(String(first.row[COLUMN.event_id]));
    for (const event of events) {
      const leaf = leafOf(event);
      frontier.append(leaf);
      levels[0]?.push(leaf);
    }
    after = next;
  }
  const tiles: StoredTile[] = [];
  for (let level = 0; (levels[level]?.length ?? 0) > 0; level++) {
    const [hashes = [], upper] = [levels[level], [] as Buffer[]];
    for (let at = 0; at < hashes.length; at += TILE_WIDTH) {
      const tile = Buffer.concat(hashes.slice(at, at + TILE_WIDTH));
      tiles.push({ level, index: at / TILE_WIDTH, hashes: tile });
      if (tile.length === TILE_WIDTH * 32) upper.push(Buffer.from(foldedHash(tile, nodeHash)));
    }
    levels.push(upper);
  }
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const raw = new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(-32));
  const key = verifierKey(originOf(NODE_ID), raw, nodeSha256);
  const root = new Uint8Array(Buffer.from(frontier.root(), "hex"));
  const text = writeCheckpoint({ origin: originOf(NODE_ID), size: traffic.seq, root, at: START_MS });
  const note = writeNote(text, key, sign(null, Buffer.from(text), privateKey));
  const keys = JSON.stringify({ format: 1, keys: [writeVerifierKey(key)], handovers: [] });
  await store.seal({ nodeId: NODE_ID, tiles, checkpoint: { size: traffic.seq, at: START_MS, note }, keys });
  await store.checkpoint();
  return ids;
}

/** Throws where the store does not hold: a verifier that is fast and wrong measures nothing. */
function sound(report: LogReport | undefined, events: number): void {
  if (report?.state !== "VALID" || report.events !== events)
    throw new Error(`the bench's own store is ${report?.state}: ${JSON.stringify(report?.findings)}`);
}

async function eventsVerified(address: string, events: number): Promise<Measured> {
  const child = fork(VERIFIER, [address]);
  const answer = once(child, "message");
  const ended = once(child, "exit").then(([code]) => {
    if (code !== 0) throw new Error(`the process that verifies ended with ${code}`);
  });
  const [{ report, ms, rss, threads }] = (await Promise.race([answer, ended])) as [Verified];
  await ended;
  sound(report, events);
  const mib = rss.map((bytes) => bytes / MIB);
  const first = mib[0] as number;
  const looked = mib.map((at, index) => ({ millions: (index * STEP) / 1e6, mib: at }));
  // The leaves come first, then as many events.
  const lastHalf = looked.slice((1.5 * events) / STEP);
  return {
    "events/s": (events * 1000) / ms,
    MiB: (Math.max(...mib) - first) / threads,
    "MiB a million": slopeOf(lastHalf),
    ...Object.fromEntries(
      SHARES.map((share) => [memoryAt(share), mib[(2 * events * share) / STEP] as number]),
    ),
  };
}

/** Least squares, over the second half of the events: what a heap grows to at first is in the first. */
function slopeOf(looked: readonly { readonly millions: number; readonly mib: number }[]): number {
  const mean = (of: (one: (typeof looked)[number]) => number) =>
    looked.reduce((sum, one) => sum + of(one), 0) / looked.length;
  const [x, y] = [mean(({ millions }) => millions), mean(({ mib }) => mib)];
  const spread = mean(({ millions }) => (millions - x) ** 2);
  return mean(({ millions, mib }) => (millions - x) * (mib - y)) / spread;
}

/** The tiles up to the checkpoint, without an event. */
async function leavesVerified(store: Store, leaves: number): Promise<Measured> {
  const { name, logs } = await storePlace("store", store, ALL_TIME);
  const tiles: Place = {
    name,
    logs: logs.map((log) => ({ ...log, end: null, firstSeq: Number.POSITIVE_INFINITY })),
    async *events() {},
  };
  const startedAt = performance.now();
  sound((await verify(tiles, question(), leaves))[0], 0);
  return { "leaves/s": (leaves * 1000) / (performance.now() - startedAt) };
}

async function proofsVerified(store: Store, ids: readonly string[]): Promise<Measured> {
  const times: number[] = [];
  for (let n = 0; n < PROOFS; n++) {
    const id = ids[(n * 7919) % ids.length] as string;
    const startedAt = performance.now();
    const { state } = await verifyProof(await proofOf(store, id), { sha256: nodeSha256, trusted: null });
    if (state !== "VALID") throw new Error(`the proof of an event of the bench's own store is ${state}`);
    times.push(performance.now() - startedAt);
  }
  return { ms: medianOf(times) };
}
