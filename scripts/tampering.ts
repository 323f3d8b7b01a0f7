// `npm run tampering [-- EVERY [PART]]`: flips every bit (or every n-th) of all that a log of 256 events is kept in (or of
// the files whose names have PART), one at a time, and says what the verifier did not see. Exit code 1 when there is any.
import { flip, targetsOf } from "../test/evidence/tampering.ts";

const every = Number(process.argv[2] ?? 1);
const part = process.argv[3] ?? "";
let [flips, unseen] = [0, 0];
for (const target of (await targetsOf(256)).filter(({ name }) => name.includes(part))) {
  const bits = Array.from({ length: Math.ceil(target.bits / every) }, (_, index) => index * every);
  const found = await flip(target, bits);
  flips += found.flips;
  unseen += found.unseen.length;
  process.stdout.write(`${target.name}: ${found.flips} flips, ${found.unseen.length} not seen\n`);
  for (const { bit } of found.unseen.slice(0, 10)) process.stdout.write(`  bit ${bit}\n`);
}
process.stdout.write(`${flips} flips, ${unseen} not seen\n`);
process.exitCode = unseen > 0 ? 1 : 0;
