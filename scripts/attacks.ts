// `npm run attacks [-- TIMES]`: each attack of test/evidence/attacks.ts at a thousand places (or TIMES), and what the
// verifier made of it, without anchors and with them. Exit code 1 when one of them is other than it should be.
import { ATTACKS, attack } from "../test/evidence/attacks.ts";
import { makeWorld } from "../test/evidence/sealed-world.ts";

const times = Number(process.argv[2] ?? 1000);
const made = makeWorld();
for (const [name, { alone, anchored, ...how }] of Object.entries(ATTACKS)) {
  const found = await attack(made, how, times, 1);
  const isRight = found.alone[alone] === times && found.anchored[anchored] === times;
  if (!isRight) process.exitCode = 1;
  process.stdout.write(`${isRight ? "ok   " : "WRONG"} ${name}: ${JSON.stringify(found)}\n`);
}
