// The client's live feed through connections that break, against the real server behind a proxy that breaks them.
import assert from "node:assert/strict";
import { connect as connectTo, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { createClient, type LiveItem } from "../../src/client/client.ts";
import { type Connect, live } from "../../src/client/live.ts";
import type { FeedFrame } from "../../src/event/feed.ts";
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

/** The round of connections in which the server is another one. */
const RESTART = 40;

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
  for (let round = 0; kills < 100 || round <= RESTART; round++) {
    record(daybook, 1 + ((round * 7) % 23));
    if (round % 3 === 0) await daybook.settle();
    // Some die before they are answered, some amid their events, some when all is told.
    if (round % 5 === 0) await until(() => items.at(-1) !== "offline");
    kills += proxy.kill();
    if (round === RESTART) {
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

const NODE = "00000000000000a1";
const event = (seq: number) => ({ event_id: `e${seq}`, node_id: NODE, seq }) as EventJson;
const logs = (...seqs: number[]): FeedFrame => ({ type: "logs", data: seqs.map(event) });
const at = (seq: number, isLive: boolean): FeedFrame => ({
  type: "position",
  position: `${NODE}=${seq}`,
  live: isLive,
});

/** Connections that say what is given and end, one after the other; `asked` is with what each was opened. */
function scripted(...connections: readonly (readonly FeedFrame[])[]) {
  const asked: string[] = [];
  const connect: Connect = async function* (parameters) {
    asked.push([parameters.get("recent"), parameters.get("after")].join(" "));
    yield* connections[asked.length - 1] ?? [];
  };
  return { connect, asked };
}

/** What the first `count` items say, until nothing more is wanted. */
async function taken(connect: Connect, count: number): Promise<string[]> {
  const said: string[] = [];
  for await (const item of live(connect, new URLSearchParams(), { recent: 3, retryMs: 1 })) {
    said.push(item.type === "events" ? item.events.map(({ seq }) => seq).join() : item.type);
    if (said.length === count) break;
  }
  return said;
}

test("L9: events from before come again with each connection, and show twice", async () => {
  const { connect, asked } = scripted(
    [at(5, false), logs(4)],
    [at(5, false), logs(3, 4, 5), logs(6), at(6, true), logs(7)],
    [at(7, false), at(7, true)],
  );
  const said = ["4", "offline", "3,5", "6", "live", "7", "offline", "live"];
  assert.deepEqual(await taken(connect, said.length), said);
  // Those from before are asked for again until all of them are here.
  assert.deepEqual(asked, ["3 ", `3 ${NODE}=5`, `0 ${NODE}=7`]);
});

test("ids are remembered only until everything from before is here", async () => {
  const { connect } = scripted([at(5, false), logs(4, 5), logs(5), at(5, true), logs(5)]);
  // No feed says an event twice: that this one is let through shows that nothing is kept for each event of a long tail.
  assert.deepEqual(await taken(connect, 3), ["4,5", "live", "5"]);
});

test("L9: a reader that is gone goes on connecting", { timeout: 20_000 }, async () => {
  const { connect, asked } = scripted([at(5, true)], [at(5, true)]);
  const gone = new AbortController();
  const said: string[] = [];
  const options = { retryMs: 3_600_000, signal: gone.signal };
  for await (const { type } of live(connect, new URLSearchParams(), options)) {
    said.push(type);
    if (type === "offline") setImmediate(() => gone.abort());
  }
  assert.deepEqual([said, asked.length], [["live", "offline"], 1]);
});
