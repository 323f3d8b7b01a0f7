import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { EventJson } from "../../src/event/json.ts";
import { startDaybook, type TestDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { holdMany, recordingProcess, runMany } from "./many-processes.ts";

export async function wholeTrail(daybook: TestDaybook): Promise<EventJson[]> {
  const events: EventJson[] = [];
  for (let path: string | null = "/admin/audit-logs?limit=1000&include=system"; path !== null; ) {
    const { headers, text } = await daybook.get(path);
    events.push(...(JSON.parse(text) as EventJson[]));
    path = /<([^>]+)>; rel="next"/.exec(String(headers.link ?? ""))?.[1] ?? null;
  }
  return events;
}

test("eight processes on one folder, killed and started again: every sequence contiguous, every event once", async (t) => {
  const home = tempFolder();
  const durable = await runMany(home, { count: 8, kills: 12 });
  const daybook = await startDaybook(t, { home });
  await daybook.adopted();
  await daybook.settle();
  const events = await wholeTrail(daybook);
  assert.ok(durable.length >= 20, `${durable.length} events were durable`);
  assert.ok(new Set(events.map(({ node_id }) => node_id)).size >= 8);
  holdMany(events, durable);
});

test("drops that were counted before a kill -9 are told exactly by the next start", async (t) => {
  const home = tempFolder();
  const child = recordingProcess(home, "flood");
  const [line] = (await once(child.stdout ?? assert.fail(), "data")) as [Buffer];
  const said = JSON.parse(String(line)) as { inference: number; api: number; begun: number };
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
  assert.ok(said.inference > 0 && said.api > 0, "the queue was overrun");
  const daybook = await startDaybook(t, { home });
  await daybook.settle();
  const events = await wholeTrail(daybook);
  const told = { inference: 0, api: 0 };
  for (const { action, metadata } of events) {
    if (action !== "gap") continue;
    const { inference_queue_full = 0, api_queue_full = 0 } = JSON.parse(metadata ?? "{}") as Record<
      string,
      number
    >;
    told.inference += inference_queue_full;
    told.api += api_queue_full;
  }
  assert.deepEqual(told, { inference: said.inference, api: said.api });
  const recorded = events.filter(({ action }) => action === "request").length;
  assert.equal(recorded + told.inference + told.api, said.begun, "begun = recorded + dropped");
});
