// The live feed of a filter, over a WebSocket or as an event stream: with events from before, going on from a position,
// or from now on. Each reader gets what its filter lets through, once, in the order in which it came into the store.
import assert from "node:assert/strict";
import { type IncomingMessage, request } from "node:http";
import WebSocket from "ws";
import { type FeedFrame, writePosition } from "../../src/event/feed.ts";
import type { AuditEvent } from "../../src/event/fields.ts";
import type { EventFilter } from "../../src/query/filter.ts";
import { writeFilter } from "../../src/query/parameters.ts";
import { TOKENS } from "../api/served-api.ts";
import { newestFirst, select } from "../conformance/model.ts";
import { eventsOf } from "../support/live.ts";
import { until } from "../support/until.ts";
import { jsonOf, type World } from "./world.ts";

interface Reading {
  /** As JSON. */
  readonly got: string[];
  /** Whether everything from before is here. */
  isLive: boolean;
  end(): void;
}

interface Reader extends Reading {
  readonly filter: EventFilter;
  /** From before, as JSON. */
  readonly recent: readonly string[];
  /** How many events had arrived where it begins. */
  readonly from: number;
}

const EVERYTHING: EventFilter = { where: {}, includeSystem: true };

/** Lets some more of the world's events arrive while all `filters` are read. */
export async function checkLive(
  world: World,
  feed: { readonly url: string; readonly wake: () => void },
  filters: readonly EventFilter[],
): Promise<void> {
  // One sees everything: where it is, all are.
  const readers = [...filters, EVERYTHING].map((filter, index) => open(world, feed.url, filter, index));
  try {
    await until(() => readers.every(({ isLive }) => isLive), 60_000);
    const last = readers.at(-1) as Reader;
    await world.arrive();
    feed.wake();
    await world.arrive();
    feed.wake();
    const right = readers.map((reader) => rightOf(world, reader));
    const isThere = ({ got }: Reader, index: number) => got.length >= (right[index] as string[]).length;
    // The last, who sees everything, is asked first.
    await until(() => isThere(last, readers.length - 1) && readers.every(isThere), 60_000).catch(() => {});
    for (const [index, reader] of readers.entries())
      assert.deepEqual(reader.got, right[index], JSON.stringify(reader.filter));
  } finally {
    for (const reader of readers) reader.end();
  }
}

function rightOf(world: World, { filter, recent, from }: Reader): string[] {
  const since = new Set(select(world.arrived.slice(from), filter));
  return [
    ...recent,
    ...world.arrived
      .slice(from)
      .filter((event) => since.has(event))
      .map(jsonOf),
  ];
}

function open(world: World, url: string, filter: EventFilter, index: number): Reader {
  const { positions, arrived } = world;
  const parameters = writeFilter(filter);
  const back = index % 3 === 0 ? 1 + (index % 8) : 1;
  const { count: from, at } = positions.at(-back) as World["positions"][number];
  if (back > 1) parameters.set("after", writePosition(at));
  const recent = index % 3 === 1 ? index % 150 : 0;
  parameters.set("recent", String(recent));
  if (index % 4 > 1) parameters.set("batch", "true");
  const before = recent === 0 ? [] : newestOf(arrived.slice(0, from), filter, recent);
  const openOne = index % 2 === 0 ? openSocket : openStream;
  const reading = openOne(url, parameters);
  return Object.assign(reading, { filter, recent: before.map(jsonOf), from });
}

/** The oldest first. */
function newestOf(events: readonly AuditEvent[], filter: EventFilter, count: number): AuditEvent[] {
  return newestFirst(select(events, filter)).slice(0, count).reverse();
}

function take(reading: Reading, frame: FeedFrame): void {
  if (frame.type === "position" && frame.live) reading.isLive = true;
  for (const event of eventsOf(frame)) reading.got.push(JSON.stringify(event));
}

function openSocket(url: string, parameters: URLSearchParams): Reading {
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/admin/ws/audit-logs?${parameters}`, {
    headers: { authorization: `Bearer ${TOKENS.admin}` },
  });
  const reading: Reading = { got: [], isLive: false, end: () => socket.terminate() };
  socket.on("message", (data) => take(reading, JSON.parse(String(data)) as FeedFrame));
  return reading;
}

function openStream(url: string, parameters: URLSearchParams): Reading {
  const headers = { authorization: `Bearer ${TOKENS.auditor}` };
  const asked = request(`${url}/admin/audit-logs/stream?${parameters}`, { headers, agent: false });
  const reading: Reading = { got: [], isLive: false, end: () => asked.destroy() };
  asked.on("error", () => {});
  asked.on("response", (response: IncomingMessage) => {
    let text = "";
    response.on("error", () => {});
    response.setEncoding("utf8").on("data", (more: string) => {
      const messages = (text + more).split("\n\n");
      text = messages.pop() ?? "";
      for (const message of messages) {
        const [, data] = /^data: (.*)$/m.exec(message) ?? [];
        if (data !== undefined) take(reading, JSON.parse(data) as FeedFrame);
      }
    });
  });
  asked.end();
  return reading;
}
