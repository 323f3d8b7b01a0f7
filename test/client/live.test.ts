// The client's live feed through connections that break, against the real server behind a proxy that breaks them.
import assert from "node:assert/strict";
import { connect as connectTo, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { createClient, type LiveItem } from "../../src/client/client.ts";
import type { EventJson } from "../../src/event/json.ts";
import { ADMIN_TOKEN, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

interface Proxy {
  readonly url: string;
  /** Where new connections go. */
  target: string;
  /** Breaks every connection; how many there were. */
  kill(): number;
}

async function openProxy(t: TestContext, target: string): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const { hostname, port } = new URL(proxy.target);
    const upstream = connectTo(Number(port), hostname);
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      one.on("error", () => {});
      one.on("close", () => other.destroy());
      one.pipe(other);
    }
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const proxy: Proxy = {
    url: `http://127.0.0.1:${port}`,
    target,
    kill() {
      const { size } = sockets;
      for (const socket of sockets) socket.resetAndDestroy();
      return size;
    },
  };
  return proxy;
}

/** Records events of kind mcp, and does not wait for them. */
function record({ server }: TestDaybook, count: number): void {
  for (let n = 0; n < count; n++)
    void server.recorder.track({ kind: "mcp", action: "tool", name: "t" }, async () => {});
}

const idsOf = (events: readonly EventJson[]) => events.map(({ event_id: id }) => id);

test("a hundred broken connections and a restart: no event is missing, none comes twice", async (t) => {
  const home = tempFolder();
  let daybook = await startDaybook(t, { home });
  const proxy = await openProxy(t, daybook.url);
  const client = createClient({ url: proxy.url, token: ADMIN_TOKEN });
  const ended = new AbortController();
  const seen: EventJson[] = [];
  const items: LiveItem["type"][] = [];
  const reading = (async () => {
    const options = { retryMs: 5, signal: ended.signal };
    for await (const item of client.live({ where: { kind: ["mcp"] } }, options)) {
      items.push(item.type);
      if (item.type === "events") seen.push(...item.events);
    }
  })();
  await until(() => items.includes("live"));
  let kills = 0;
  for (let round = 0; kills < 100; round++) {
    record(daybook, 1 + ((round * 7) % 23));
    if (round % 3 === 0) await daybook.settle();
    // Some die before they are answered, some amid their events, some when all is told.
    if (round % 5 === 0) await until(() => items.at(-1) !== "offline");
    kills += proxy.kill();
    if (round === 40) {
      await daybook.server.close(0);
      daybook = await startDaybook(t, { home });
      proxy.target = daybook.url;
    }
    await until(() => items.at(-1) === "offline" || items.at(-1) === "live" || items.at(-1) === "events");
    await new Promise((resolve) => setImmediate(resolve));
  }
  record(daybook, 10);
  await daybook.settle();
  const all: EventJson[] = [];
  for await (const event of createClient({ url: daybook.url, token: ADMIN_TOKEN }).list({
    where: { kind: ["mcp"] },
  }))
    all.push(event);
  await until(() => seen.length >= all.length);
  assert.deepEqual(idsOf(seen).toSorted(), idsOf(all).toSorted());
  for (const [, events] of Map.groupBy(seen, ({ node_id: node }) => node))
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map(({ seq }) => seq).toSorted((a, b) => a - b),
    );
  ended.abort();
  await reading;
});

test("what Daybook refuses for good ends the iteration", async (t) => {
  const { url } = await startDaybook(t);
  const stranger = createClient({ url, token: "dbt_nobody" });
  await assert.rejects(stranger.live().next(), { name: "ClientError", status: 401 });
  const client = createClient({ url, token: ADMIN_TOKEN });
  await assert.rejects(client.live(new URLSearchParams("modle=x")).next(), { status: 400 });
});
