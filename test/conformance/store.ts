// The conformance suite of stores: what src/stores/store.ts promises, as tests that every driver passes.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { Store } from "../../src/stores/store.ts";
import { ACTIVITY } from "./activity.ts";
import { APPENDING } from "./appending.ts";
import type { Open } from "./case.ts";
import { CHARGES } from "./charges.ts";
import { ERASURE } from "./erasure.ts";
import { FILTERS } from "./filters.ts";
import { FOLLOW } from "./follow.ts";
import { LIFE } from "./life.ts";
import { PAGES } from "./pages.ts";
import { RETENTION } from "./retention.ts";
import { SEALS } from "./seals.ts";
import { STATS } from "./stats.ts";
import { SUMS } from "./sums.ts";
import { VALUES } from "./values.ts";

export interface Driver {
  readonly name: string;
  /**
   * Opens the store of `place`, a folder that is made for one test and empty at first; a driver without files takes
   * its name. Each call gives a connection of its own.
   */
  open(place: string, access: "write" | "read"): Promise<Store>;
}

/** Declares the suite for one driver; call it in a test file. */
export function testStore(driver: Driver): void {
  describe(`${driver.name} as a store`, () => {
    for (const [name, run] of Object.entries({
      ...APPENDING,
      ...PAGES,
      ...FILTERS,
      ...STATS,
      ...SUMS,
      ...ACTIVITY,
      ...RETENTION,
      ...ERASURE,
      ...CHARGES,
      ...SEALS,
      ...FOLLOW,
      ...VALUES,
      ...LIFE,
    })) {
      test(name, async (t) => run(await newPlace(t, driver), t));
    }
  });
}

/** A place of the test's own; its connections are closed, and it is removed, after the test. */
async function newPlace(t: TestContext, driver: Driver): Promise<Open> {
  const place = await mkdtemp(join(tmpdir(), "daybook-store-"));
  const stores: Store[] = [];
  t.after(async () => {
    for (const store of stores) await store.close();
    await rm(place, { recursive: true });
  });
  return async (access = "write") => {
    const store = await driver.open(place, access);
    stores.push(store);
    return store;
  };
}
