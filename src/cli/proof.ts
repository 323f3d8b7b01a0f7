// `daybook proof`: the proof of one event as a file, or a bundle of whole logs, for somebody who has neither the store
// nor Daybook's word. Reads the store; `daybook verify` and test/evidence/verify.py check what it writes.
import type { Writable } from "node:stream";
import { Command } from "commander";
import type { Environment } from "../config/environment.ts";
import { loadConfig } from "../config/load-config.ts";
import { DaybookError } from "../event/errors.ts";
import { bundleOf, proofOf } from "../places/make-proof.ts";
import { openStore } from "../stores/open-store.ts";

export interface ProofParts {
  readonly env: Environment;
  readonly cwd: string;
  readonly homedir: string;
  readonly out: Writable;
  /** UTC milliseconds. */
  readonly now: () => number;
}

interface Flags {
  readonly all?: true;
  readonly config?: string;
  readonly profile?: string;
}

export function proofCommand(parts: ProofParts): Command {
  return new Command("proof")
    .description("Write the proof that an event was recorded and sealed, for others to verify. On stdout.")
    .argument("[event id]", "the event")
    .option("--all", "every event and log of the store, as one bundle")
    .option("--config <file>", "configuration file")
    .option("--profile <name>", "configuration profile")
    .action((eventId: string | undefined, flags: Flags) => runProof(parts, eventId, flags));
}

async function runProof(parts: ProofParts, eventId: string | undefined, flags: Flags): Promise<void> {
  if ((eventId === undefined) === (flags.all === undefined))
    throw new DaybookError("bad_argument", "Name one event, or give --all.");
  const { store: address } = await loadConfig({ ...parts, flags });
  const store = await openStore(address, "read");
  try {
    if (eventId !== undefined) parts.out.write(`${JSON.stringify(await proofOf(store, eventId), null, 2)}\n`);
    else
      for await (const line of bundleOf(store, parts.now()))
        if (!parts.out.write(line)) await new Promise((resolve) => parts.out.once("drain", resolve));
  } finally {
    await store.close();
  }
}
