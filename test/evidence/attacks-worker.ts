// The thread of attacks.test.ts: it has the world, and carries out the attack that it is told.
import { answer } from "../support/thread.ts";
import { ATTACKS, type Attack, attack, type Tried } from "./attacks.ts";
import { rememberSignatures } from "./known-signatures.ts";
import { makeWorld } from "./sealed-world.ts";

export interface Asked {
  readonly name: string;
  readonly times: number;
}

rememberSignatures();
const made = makeWorld();
answer<Asked, Tried>(({ name, times }) => attack(made, ATTACKS[name] as Attack, times, 1));
