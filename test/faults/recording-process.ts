// A process that records, for tests that kill it: `node recording-process.ts HOME STORE record|flood [ms to live]`. `record` ships
// too, and prints the request id of each event once it is durable. `flood` overruns a small queue, prints how many
// events it has dropped, and waits for its end.
import { writeSync } from "node:fs";
import { Delivery } from "../../src/delivery/delivery.ts";
import { KINDS, type Kind, type Mode } from "../../src/event/fields.ts";
import { answered } from "../../src/event/outcomes.ts";
import { openDropsFile } from "../../src/journal/drops.ts";
import { openNode } from "../../src/node/node.ts";
import { Recorder } from "../../src/recorder/recorder.ts";

const [home = "", address = "", task = "record", dieAfterMs] = process.argv.slice(2);
if (dieAfterMs !== undefined) setTimeout(() => process.kill(process.pid, "SIGKILL"), Number(dieAfterMs));
const modes = Object.fromEntries(KINDS.map((kind) => [kind, "open"])) as Record<Kind, Mode>;
const { slot, journal } = await openNode(home, address, { maxBytes: 2 ** 30, reserveBytes: 0 });
const drops = openDropsFile(slot.folder);
const recorder = new Recorder({ journal, modes, drops, ...(task === "flood" ? { maxQueued: 100 } : {}) });
const say = (line: string) => {
  try {
    writeSync(1, `${line}\n`);
  } catch {
    // The pipe is full: what is not said is not held against anybody.
  }
};

if (task === "flood") {
  for (let round = 0; round < 20; round++) {
    for (let n = 0; n < 500; n++)
      recorder.log({ kind: n % 2 ? "inference" : "api", action: "request" }, answered(200));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await recorder.drain();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { inference, api } = recorder.counters.byKind;
  say(
    JSON.stringify({
      inference: inference.dropped.queue_full,
      api: api.dropped.queue_full,
      begun: inference.begun + api.begun,
    }),
  );
  setInterval(() => {}, 1000);
} else {
  await Delivery.open({ address, slot, durable: journal.durable });
  recorder.subscribe(({ request_id, kind }) => void (kind === "inference" && say(request_id)));
  for (let n = 0; ; n++) {
    const handle = recorder.begin({
      kind: "inference",
      action: "chat",
      requestId: `${process.pid}-${process.hrtime.bigint()}-${n}`,
    });
    if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    if (n % 7 !== 0) handle.finish(answered(200));
  }
}
