// Balances: whatever happens in whatever order, they are what was granted less what durable events have cost, less
// what has ended and is not durable, and no overspend goes beyond what running requests cost more than they held.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { ChargesCopy } from "../../src/control/charges.ts";
import { openControl } from "../../src/control/control.ts";
import { DurableMark } from "../../src/journal/durable.ts";
import { Ledger } from "../../src/limits/ledger.ts";
import { Accounts } from "../../src/server/accounts.ts";
import { tempFolder } from "../support/temp.ts";
import { World } from "./accounts-model.ts";

const user = fc.constantFrom("ana", "björn", "chị Hoa");
const tokens = fc.integer({ min: 0, max: 60 });

type Step = (world: World) => void | Promise<void>;
const step = (weight: number, arbitrary: fc.Arbitrary<Step>) => ({ weight, arbitrary });

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    step(
      2,
      fc.tuple(user, fc.integer({ min: -300, max: 2000 })).map(
        ([id, micros]) =>
          (world) =>
            world.grant(id, micros),
      ),
    ),
    step(
      8,
      fc.tuple(user, tokens, tokens).map(
        ([id, prompt, most]) =>
          (world) =>
            world.admit(id, prompt, most),
      ),
    ),
    step(
      8,
      fc.tuple(fc.nat(50), tokens, tokens, fc.boolean()).map(
        ([pick, prompt, completion, charged]) =>
          (world) =>
            world.settle(pick, prompt, completion, charged),
      ),
    ),
    step(
      5,
      fc.integer({ min: 1, max: 9 }).map((count) => (world) => world.write(count)),
    ),
    step(
      1,
      fc.constant((world) => world.drop()),
    ),
    step(
      3,
      fc.integer({ min: 1, max: 4 }).map((batches) => (world) => world.ship(batches)),
    ),
    step(
      2,
      fc.constant((world) => world.copy()),
    ),
    step(
      1,
      fc.constant((world) => world.prune()),
    ),
    step(
      1,
      fc.tuple(user, tokens).map(
        ([id, cost]) =>
          (world) =>
            world.elsewhere(id, cost),
      ),
    ),
    step(
      1,
      fc.constant((world) => world.crash()),
    ),
    step(
      1,
      fc.constant((world) => world.loseStore()),
    ),
  ),
  { minLength: 10, maxLength: 60, size: "max" },
);

test("balances are right after any order of grants, requests, writes, drops, shipping, copies, retention, crashes and lost stores", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const world = await World.open();
      for (const each of all) {
        await each(world);
        world.check();
      }
      await world.close();
    }),
    { numRuns: 20 },
  );
});

test("while something always waits, dropped costs are waited for once, and forgotten when nothing does", async () => {
  const folder = tempFolder();
  const control = openControl({ path: join(folder, "control.db"), clock: () => 0 });
  const ledger = new Ledger(false);
  const drained = Promise.withResolvers<void>();
  let waits = 0;
  const accounts = new Accounts({
    ledger,
    copy: new ChargesCopy(control),
    recorder: {
      follow: () => () => {},
      drain() {
        waits++;
        return drained.promise;
      },
    },
    slot: { nodeId: "a", journalFolder: folder },
    durable: new DurableMark(),
  });
  const sources = { positions: async () => [], charges: async () => ({ upTo: {}, sums: [] }) };
  ledger.grant("ana", 100);
  for (const eventId of ["one", "two", "three"]) {
    ledger.settle("ana", 0, eventId, 10);
    await accounts.look(sources);
  }
  ledger.settle("ana", 0, "after", 1);
  assert.deepEqual([waits, ledger.balance("ana").balance], [1, 69]);
  drained.resolve();
  await drained.promise;
  assert.equal(ledger.balance("ana").balance, 99);
  await control.close();
});
