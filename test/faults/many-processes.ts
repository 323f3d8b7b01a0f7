// Many processes on one data folder, killed and started again at random, with an oracle that hears what each of them
// says is durable.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { EventJson } from "../../src/event/json.ts";

const CHILD = fileURLToPath(new URL("./recording-process.ts", import.meta.url));

export function recordingProcess(home: string, task: "record" | "flood"): ChildProcess {
  return spawn(process.execPath, [CHILD, home, `sqlite:${join(home, "events.db")}`, task], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Runs `count` processes and kills one `kills` times, each only after it has recorded; the ids that were durable. */
export async function runMany(home: string, { count, kills }: { count: number; kills: number }) {
  const durable: string[] = [];
  const start = () => {
    const child = recordingProcess(home, "record");
    const { promise: recorded, resolve, reject } = Promise.withResolvers<void>();
    child.once("exit", (code) => reject(new Error(`a process ended by itself, before it recorded: ${code}`)));
    recorded.catch(() => {});
    let rest = "";
    child.stdout?.on("data", (data) => {
      const lines = (rest + String(data)).split("\n");
      rest = lines.pop() ?? "";
      durable.push(...lines);
      if (lines.length > 0) resolve();
    });
    return { child, recorded };
  };
  const kill = async ({ child, recorded }: ReturnType<typeof start>) => {
    await recorded;
    const closed = once(child, "close");
    child.kill("SIGKILL");
    await closed;
  };
  const running = Array.from({ length: count }, start);
  try {
    await Promise.all(running.map(({ recorded }) => recorded));
    for (let n = 0; n < kills; n++) {
      const [oldest] = running.splice(0, 1);
      running.push(start());
      if (oldest !== undefined) await kill(oldest);
    }
    await Promise.all(running.map(kill));
  } finally {
    for (const { child } of running) child.kill("SIGKILL");
  }
  return durable;
}

/** Holds the whole trail to what the processes said. */
export function holdMany(events: readonly EventJson[], durable: readonly string[]): void {
  for (const [node, own] of Map.groupBy(events, ({ node_id }) => node_id)) {
    const seqs = own.map(({ seq }) => seq).sort((a, b) => a - b);
    assert.deepEqual(
      seqs,
      seqs.map((_, index) => index + 1),
      `node ${node}: contiguous, nothing doubled`,
    );
  }
  const counts = new Map<string, number>();
  for (const { request_id } of events) counts.set(request_id, (counts.get(request_id) ?? 0) + 1);
  const wrong = durable.filter((id) => counts.get(id) !== 1);
  assert.deepEqual(wrong, [], "what was durable is in the store, once");
}
