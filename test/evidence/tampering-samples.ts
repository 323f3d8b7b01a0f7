// The thread of tampering.test.ts: flips a sample of the bits of a log that it makes.
import { answer } from "../support/thread.ts";
import { rememberSignatures } from "./known-signatures.ts";
import { targetsOf } from "./tampered-files.ts";
import { makeTamperedLog } from "./tampered-log.ts";
import { type Found, flip, type Target } from "./tampering.ts";

export interface Asked {
  /** Where the log is to be. */
  readonly home: string;
  readonly events: number;
}

export interface Tampered {
  readonly name: string;
  /** Before anything was flipped. */
  readonly verdict: string;
  readonly found: Found;
}

/** `npm run tampering` flips every bit. Of a large file every n-th. */
const SAMPLES = { tiles: 13_000, journal: 6_500, store: 700 };
/** Of so many flips one is looked at in full, as by a verifier that remembers nothing. */
const LOOK_EVERY = { slot: 100, store: 7 };

/** Spread over the whole file, and never the same place within a byte twice in a row. */
function* spread(bits: number, count: number): Generator<number> {
  const step = Math.max(1, bits / count);
  for (let at = 0; at < bits; at += step) yield Math.min(bits - 1, Math.floor(at));
}

function samplesOf({ name, bits }: Target): number {
  if (name === "events.db") return SAMPLES.store;
  if (name.startsWith("journal/")) return SAMPLES.journal;
  return name.startsWith("tile/0/") ? SAMPLES.tiles : bits;
}

rememberSignatures();
answer<Asked, Tampered[]>(async ({ home, events }) => {
  await makeTamperedLog(home, events);
  const tampered: Tampered[] = [];
  for (const target of await targetsOf(home)) {
    const { verdict } = await target.look();
    const bits = spread(target.bits, Math.min(target.bits, samplesOf(target)));
    const lookEvery = target.name === "events.db" ? LOOK_EVERY.store : LOOK_EVERY.slot;
    tampered.push({ name: target.name, verdict, found: await flip(target, bits, lookEvery) });
    target.end();
  }
  return tampered;
});
