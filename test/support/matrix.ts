// What every cell of a completeness matrix asks of a running Daybook.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { KINDS } from "../../src/event/fields.ts";
import type { EventJson } from "../../src/event/json.ts";
import type { TestDaybook } from "./daybook.ts";
import { until } from "./until.ts";

export type Columns = Partial<EventJson>;

/** The events of a request once it is over. */
export async function eventsOf(daybook: TestDaybook, requestId: string): Promise<EventJson[]> {
  await until(() => Object.values(daybook.server.recorder.inFlight()).every((count) => count === 0));
  return daybook.events(`request_id=${requestId}&include=system`);
}

/** One event, with these columns, and nothing begun is missing. */
export async function assertOneEvent(
  daybook: TestDaybook,
  requestId: string,
  columns: Columns,
): Promise<void> {
  const events = await eventsOf(daybook, requestId);
  assert.equal(events.length, 1);
  const [event] = events;
  for (const [column, value] of Object.entries(columns))
    assert.equal(event?.[column as keyof EventJson], value, column);
  assert.equal(event?.count, 1);
  assert.notEqual(event?.duration_ms, null);
  assertConserved(daybook);
}

/** Begun = recorded + in flight, and nothing was dropped. */
export function assertConserved(daybook: TestDaybook): void {
  const inFlight = daybook.server.recorder.inFlight();
  for (const kind of KINDS) {
    const { begun, recorded, dropped } = daybook.server.recorder.counters.byKind[kind];
    assert.deepEqual([begun, dropped], [recorded + inFlight[kind], { queue_full: 0, not_drained: 0 }], kind);
  }
}

/** A port that nobody listens on. */
export async function deadPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
