// A service in a process of its own, for tests: `node recorder-process.ts FOLDER TASK`. `end` records and simply ends;
// `serve` records until it is killed, one line for each event that is durable.
import { writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { answered, createRecorder } from "../../src/library/index.ts";

const [folder = "", task = "end", url, key] = process.argv.slice(2);
const recorder = await createRecorder(url === undefined ? { folder } : { folder, url, key: key ?? "" });
const facts = { kind: "exec", action: "run" } as const;

if (task === "end") {
  for (let n = 0; n < 50; n++) recorder.log({ ...facts, name: `work-${n}` }, answered(null));
} else {
  recorder.subscribe((event) => {
    try {
      if (event.kind === "exec") writeSync(1, `${event.name}\n`);
    } catch {
      // The pipe is full: what is not said is not held against anybody.
    }
  });
  const name = (n: number) => `${process.pid}-${n}`;
  recorder.begin({ ...facts, action: "unfinished", name: name(-1) });
  for (let n = 0; ; n++) {
    await recorder.track({ ...facts, name: name(n) }, () => (n % 5 === 0 ? delay(1) : null));
  }
}
