// A sealed store whose bits can be flipped. To open it anew for each flip takes most of the time; a glance keeps the
// connection, which sees the flipped bytes nonetheless, as it reads them from the mapped file.
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { basename } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type JournalEvent, leafParts } from "../../src/event/leaf.ts";
import { type FoundEvent, strangeEvent } from "../../src/evidence/verify.ts";
import { ALL_TIME, foundEvent } from "../../src/places/found-event.ts";
import { storePlace } from "../../src/places/store-place.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { connect, setPragmas } from "../../src/stores/sqlite/connection.ts";
import { SqliteStore } from "../../src/stores/sqlite/sqlite-store.ts";
import type { Store } from "../../src/stores/store.ts";
import { isGood, type Seen, type Target, verdictOf } from "./tampering.ts";

const PAGES = "SELECT name, pageno AS page, pagetype AS type FROM dbstat";

export async function storeTarget(file: string): Promise<Target> {
  const good = readFileSync(file);
  const descriptor = openSync(file, "r+");
  const flipped = new Set<number>();
  const flip = (bit: number) => {
    if (!flipped.delete(bit)) flipped.add(bit);
    const byte = (good[bit >> 3] ?? 0) ^ (flipped.has(bit) ? 1 << (bit & 7) : 0);
    writeSync(descriptor, new Uint8Array([byte]), 0, 1, bit >> 3);
  };
  const look = () => lookAt(file);
  const db = connect(file, "read");
  setPragmas(db, file, "read");
  db.exec(`PRAGMA mmap_size = ${good.length}`);
  const pages = pagesOf(db);
  const known = await readAll(new SqliteStore(db, file, "read"));
  const before = await look();
  const glanceAt = async (store: Store): Promise<Seen> => {
    const read = await readAll(store);
    // The verifier is a function of what it reads.
    if (isSame(read, known)) return before;
    const place = await storePlace("store", store, ALL_TIME);
    const verdict = await verdictOf({
      ...place,
      async *events() {
        yield read.events.map((event, index) => foundAgain(event, index, known));
        yield Array.from({ length: read.unreadable }, () => strangeEvent(place.logs[0]?.nodeId ?? ""));
      },
    });
    return { verdict, exported: isGood(verdict) ? exportOf(read.events) : "" };
  };
  const glance = async (bit: number): Promise<Seen> => {
    // What a connection remembers of a database is its first page and its tables.
    if (!pages.remembered.has(pages.of(bit))) return glanceAt(new SqliteStore(db, file, "read"));
    const store = await openStore(`sqlite:${file}`, "read");
    try {
      return await glanceAt(store);
    } finally {
      await store.close();
    }
  };
  /** A page of a table or index begins with its sort, which has no inverse: nobody reads one that is all inverted. */
  const unread = new Set<number>();
  for (const page of pages.ordered) {
    const [from, to] = [(page - 1) * pages.bytes, page * pages.bytes];
    writeSync(
      descriptor,
      good.subarray(from, to).map((byte) => ~byte),
      0,
      pages.bytes,
      from,
    );
    const seen = await glance(from * 8).catch(() => null);
    if (seen === before) unread.add(page);
    writeSync(descriptor, good, from, pages.bytes, from);
  }
  for (const page of pages.reachedBy(unread)) unread.add(page);
  return {
    name: basename(file),
    bits: good.length * 8,
    flip,
    look,
    glance,
    isUnread: (bit) => unread.has(pages.of(bit)),
    end: () => {
      db.close();
      closeSync(descriptor);
    },
  };
}

async function lookAt(file: string): Promise<Seen> {
  const store = await openStore(`sqlite:${file}`, "read");
  try {
    const verdict = await verdictOf(await storePlace("store", store, ALL_TIME));
    if (!isGood(verdict)) return { verdict, exported: "" };
    return { verdict, exported: exportOf((await store.scan(null, 100_000)).events) };
  } finally {
    await store.close();
  }
}

const exportOf = (events: readonly JournalEvent[]) => JSON.stringify(events.map(leafParts));

function pagesOf(db: DatabaseSync) {
  const bytes = Number(db.prepare("PRAGMA page_size").get()?.page_size);
  const all = db
    .prepare(PAGES)
    .all()
    .map(({ name, page, type }) => ({ name, page: Number(page), type }));
  const remembered = all.filter(({ name }) => name === "sqlite_schema").map(({ page }) => page);
  const ordered = all.filter(({ type, page }) => type !== "overflow" && !remembered.includes(page));
  return {
    bytes,
    remembered: new Set([1, ...remembered]),
    ordered: ordered.map(({ page }) => page),
    /** What only a table or index leads to of which no page is read. */
    reachedBy(unread: ReadonlySet<number>): number[] {
      const read = new Set(ordered.filter(({ page }) => !unread.has(page)).map(({ name }) => name));
      return all.filter(({ name }) => name !== "sqlite_schema" && !read.has(name)).map(({ page }) => page);
    },
    of: (bit: number) => Math.floor(bit / 8 / bytes) + 1,
  };
}

interface Read {
  readonly events: readonly JournalEvent[];
  readonly unreadable: number;
  /** Everything else, as text. */
  readonly logs: string;
  readonly found: FoundEvent[];
}

async function readAll(store: Store): Promise<Read> {
  const { logs } = await storePlace("store", store, ALL_TIME);
  const tiles = [];
  for (const log of logs)
    for (const level of [0, 1]) tiles.push(Buffer.from((await log.tile(level, 0)) ?? []).toString("base64"));
  const { events, unreadable } = await store.scan(null, 100_000);
  return { events, unreadable, logs: JSON.stringify([logs, tiles]), found: [] };
}

function isSame(a: Read, b: Read): boolean {
  return (
    a.logs === b.logs &&
    a.unreadable === b.unreadable &&
    a.events.length === b.events.length &&
    a.events.every((event, index) => isSameEvent(event, b.events[index]))
  );
}

function isSameEvent(a: JournalEvent, b: JournalEvent | undefined): boolean {
  if (b === undefined || !sameBytes(a.p1Salt, b.p1Salt) || !sameBytes(a.p2Salt, b.p2Salt)) return false;
  return a.row.length === b.row.length && a.row.every((cell, at) => cell === b.row[at]);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function foundAgain(event: JournalEvent, index: number, known: Read): FoundEvent {
  const other = known.events[index];
  if (other === undefined || !isSameEvent(event, other)) return foundEvent(event, ALL_TIME);
  known.found[index] ??= foundEvent(other, ALL_TIME);
  return known.found[index];
}
