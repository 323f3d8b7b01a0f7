// A thread of scripts/tampering.ts: flips the bits that it is told, in a copy of the log of its own.
import { cpSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { targetsOf } from "./tampered-files.ts";
import { type Found, flip, type Target } from "./tampering.ts";

/** Every so manieth bit of a file; `first`: the bits of the files before it. */
export interface Asked {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly every: number;
  readonly first: number;
}
export type Told = Found;

/** Of so many flips one is looked at in full. */
const LOOK_EVERY = 500;

const { home, own } = workerData as { readonly home: string; readonly own: string };
cpSync(home, own, { recursive: true });
const targets = await targetsOf(own);
parentPort?.on("message", async ({ name, from, to, every }: Asked) => {
  const target = targets.find((one) => one.name === name) as Target;
  parentPort?.postMessage((await flip(target, bits(from, to, every), LOOK_EVERY)) satisfies Told);
});

function* bits(from: number, to: number, every: number): Generator<number> {
  for (let bit = from; bit < to; bit += every) yield bit;
}
