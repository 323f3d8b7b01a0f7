// Every surface against a naive reading of the events, in three time zones: a clock on the wall decides nothing. The
// command line, whole exports and Parquet take 30 of the filters, since each of them costs a thread or an engine; all of
// them by `npm run all-filters`, which takes half an hour and asks a process of the command line with some of them too.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import type { EventFilter } from "../../src/query/filter.ts";
import { Exporter } from "../../src/read/export/exporter.ts";
import { Feed } from "../../src/read/feed.ts";
import { openReader } from "../../src/read/reader.ts";
import { openStore } from "../../src/stores/open-store.ts";
import type { Store } from "../../src/stores/store.ts";
import { type ServedApi, serveApi } from "../api/served-api.ts";
import { tempFolder } from "../support/temp.ts";
import { checkCli, checkCliHere, checkProcess } from "./cli.ts";
import { checkEncoded, checkExport } from "./exports.ts";
import { checkLive } from "./live.ts";
import { checkRest } from "./rest.ts";
import { inTurns, makeWorld, type Say, type World, ZONES } from "./world.ts";

const IS_ALL = process.env.DAYBOOK_TEST_FILTERS === "all";
/** Of each zone's filters, one in so many. */
const FEW = IS_ALL ? 1 : 34;
/** What has a thread of its own is asked with so many at a time. */
const THREADS = 2;
/** Of the filters of the command line in a run of all of them, one in so many goes to a process of it. */
const PROCESSES = 15;
const TOLD_EACH = 50;

let world: World;
let store: Store;
let feed: Feed;
let exporter: Exporter;
let api: ServedApi;

before(async () => {
  world = await makeWorld();
  const { address } = world;
  store = await openStore(address, "read");
  feed = new Feed({ address });
  exporter = new Exporter(address);
  api = await serveApi([], { reader: await openReader(address), feed, exporter });
});
after(async () => {
  await feed.close();
  await exporter.close();
  await api[Symbol.asyncDispose]();
  await store.close();
  await world[Symbol.asyncDispose]();
});

/** A test in each of ZONES, with the part of the filters that is its turn. */
function inZones(name: string, check: (filters: readonly EventFilter[], say: Say) => Promise<number>): void {
  for (const [turn, zone] of ZONES.entries()) {
    test(`${name} in ${zone}`, async (t) => {
      const before = process.env.TZ;
      process.env.TZ = zone;
      const say: Say = (count) => {
        if (IS_ALL && count % TOLD_EACH === 0) process.stderr.write(`${count} filters: ${t.name}\n`);
      };
      try {
        const count = await check(
          world.filters.filter((_, index) => index % ZONES.length === turn),
          say,
        );
        t.diagnostic(`${count} filters`);
      } finally {
        if (before === undefined) delete process.env.TZ;
        else process.env.TZ = before;
      }
    });
  }
}

const few = (filters: readonly EventFilter[]) => filters.filter((_, index) => index % FEW === 0);

inZones("the live feed of any filter holds the events of a naive reading", async (filters) => {
  await checkLive(world, { url: api.url, wake: () => feed.wake() }, filters);
  return filters.length;
});

test("all events have arrived", async () => {
  while (await world.arrive());
});

inZones(
  "lists, counts, sums, histograms and facets of any filter are those of a naive reading",
  (filters, say) =>
    inTurns(filters, say, (filter, index) => checkRest(api.url, filter, world.expected(filter), index)),
);

inZones("any filter's events are in every format what they are, field by field", (filters, say) =>
  inTurns(filters, say, (filter, index) => checkEncoded(store, filter, world.expected(filter), index)),
);

inZones("exports of any filter, in any format, hold the events of a naive reading", (filters, say) =>
  inTurns(
    few(filters),
    say,
    (filter, index) => checkExport(api.url, filter, world.expected(filter), index),
    THREADS,
  ),
);

inZones("the command line shows of any filter the events of a naive reading", (filters, say) => {
  const here = copyOf(world.address);
  const check = async (filter: EventFilter, index: number) => {
    const expected = world.expected(filter);
    if (index % 4 === 3) await checkCliHere(here, filter, expected, index);
    else await checkCli(api.url, filter, expected, index);
    if (IS_ALL && index % PROCESSES === 0) await checkProcess(api.url, filter, expected, index);
  };
  return inTurns(few(filters), say, check, THREADS);
});

/** A store for readings that leave events of themselves. */
function copyOf(address: string): string {
  const file = join(tempFolder(), "events.db");
  const db = new DatabaseSync(address.slice("sqlite:".length), { readOnly: true });
  db.prepare("VACUUM INTO ?").run(file);
  db.close();
  return `sqlite:${file}`;
}
