// The live feed over WebSocket and SSE, of the real server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { request } from "undici";
import { parsePosition } from "../../src/event/feed.ts";
import type { EventJson } from "../../src/event/json.ts";
import { FORMAT_NAMES, type FormatName } from "../../src/read/export/formats.ts";
import { READERS } from "../read/export/readers.ts";
import { ADMIN_TOKEN, chat, sharedDaybook, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { eventsOf, type LiveSocket, openLive } from "../support/live.ts";
import { until } from "../support/until.ts";

/** Of tests that only open feeds; the first of them looks that none was. */
const shared = sharedDaybook();
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Asks `count` times for something that leaves an event, of nobody's budget. */
async function traffic({ url, settle }: TestDaybook, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await chat(url);
  await settle();
}

const idsOf = (events: readonly EventJson[]) => events.map(({ event_id: id }) => id);
const isLive = ({ frames }: LiveSocket) => frames.some((frame) => frame.type === "position" && frame.live);

async function tokenFor(
  daybook: TestDaybook,
  role: string,
  userId?: string,
): Promise<{ id: string; secret: string }> {
  const body = { name: role, role, ...(userId === undefined ? {} : { user_id: userId }) };
  const { json } = await daybook.ask("/admin/tokens", { method: "POST", body });
  return json as { id: string; secret: string };
}

test("a WebSocket shows the recent events first, then each that is recorded, once and in order", async (t) => {
  const daybook = await startDaybook(t);
  await traffic(daybook, 3);
  const live = await openLive(daybook.url, "/admin/ws/audit-logs?kind=inference");
  await until(() => isLive(live));
  await traffic(daybook, 4);
  await until(() => live.events().length >= 7);
  assert.deepEqual(idsOf(live.events()), idsOf(await daybook.events("kind=inference")));
  assert.deepEqual(live.events(), await daybook.events("kind=inference"));
  const [first] = live.frames;
  assert.equal(first?.type, "position");
  live.socket.close();
});

test("a feed goes on from a position: what came meanwhile is there, once", async (t) => {
  const daybook = await startDaybook(t);
  await traffic(daybook, 2);
  const one = await openLive(daybook.url);
  await until(() => isLive(one));
  const at = one.frames.findLast((frame) => frame.type === "position");
  one.socket.terminate();
  await traffic(daybook, 5);
  const parameters = new URLSearchParams({ after: at?.position ?? "", batch: "true", kind: "inference" });
  const other = await openLive(daybook.url, `/api/system/ws/audit-logs?${parameters}`);
  await until(() => other.events().length >= 5);
  assert.deepEqual(idsOf(other.events()), idsOf(await daybook.events("kind=inference")).slice(2));
  assert.ok(other.frames.some(({ type }) => type === "logs"));
  other.socket.close();
});

test("an event stream has the same frames, and its ids are where to go on from", async (t) => {
  const daybook = await startDaybook(t);
  await traffic(daybook, 3);
  const read = async (headers: Record<string, string>, count: number) => {
    const {
      statusCode,
      headers: received,
      body,
    } = await request(`${daybook.url}/admin/audit/stream?kind=inference`, {
      headers: { ...bearer(ADMIN_TOKEN), ...headers },
    });
    assert.equal(statusCode, 200);
    assert.equal(received["content-type"], "text/event-stream; charset=utf-8");
    let text = "";
    const found: { id: string; event: EventJson }[] = [];
    for await (const chunk of body) {
      text += chunk;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const [, id = "", data] = /^id: (.*)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
        text = text.slice(end + 2);
        if (data === undefined) continue;
        const frame = JSON.parse(data);
        assert.notEqual(parsePosition(id), null);
        for (const event of eventsOf(frame)) found.push({ id, event });
      }
      if (found.length >= count) break;
    }
    return found;
  };
  const before = await read({}, 3);
  await traffic(daybook, 4);
  const position = before.at(-1)?.id ?? "";
  const after = await read({ "last-event-id": position }, 4);
  const all = idsOf(await daybook.events("kind=inference"));
  assert.deepEqual(idsOf([...before, ...after].map(({ event }) => event)), all);
  const rest = await read({ "last-event-id": after[1]?.id ?? "" }, 2);
  assert.deepEqual(idsOf(rest.map(({ event }) => event)), all.slice(5));
});

test("a feed leaves one event when it begins, and shows none of its own", async (t) => {
  const daybook = await startDaybook(t);
  const live = await openLive(daybook.url);
  await until(() => isLive(live));
  await traffic(daybook, 1);
  await until(() => live.events().some(({ kind }) => kind === "inference"));
  assert.ok(live.events().every(({ kind }) => kind !== "system"));
  const [begun, ...others] = await daybook.events("kind=system&action=subscribed");
  assert.deepEqual(others, []);
  assert.equal(begun?.kind, "system");
  assert.equal(begun?.status_code, 101);
  live.socket.close();
});

test("a viewer sees its own events, and nothing that tools were given", async (t) => {
  const daybook = await startDaybook(t);
  for (const name of ["vic", "ann"])
    await daybook.ask("/admin/users", { method: "POST", body: { name, role: "viewer" } });
  const { json } = await daybook.ask("/admin/users");
  const vic = (json as { id: string; name: string }[]).find(({ name }) => name === "vic");
  const { secret } = await tokenFor(daybook, "viewer", vic?.id);
  const live = await openLive(daybook.url, "/admin/ws/audit-logs", bearer(secret));
  await until(() => isLive(live));
  await traffic(daybook, 2);
  await daybook.server.recorder.track(
    { kind: "mcp", action: "tool", name: "t", userId: vic?.id ?? "", inputJson: { a: 1 } },
    async () => {},
  );
  await daybook.settle();
  await until(() => live.events().length > 0);
  assert.deepEqual(
    live.events().map(({ name, input_json }) => [name, input_json]),
    [["t", null]],
  );
  await assert.rejects(openLive(daybook.url, "/admin/ws/audit-logs?user_id=ann", bearer(secret)), {
    status: 403,
  });
  live.socket.close();
});

test("a viewer is shown what tools were given nowhere: not in lists, single events or any export", async (t) => {
  const daybook = await startDaybook(t);
  await daybook.ask("/admin/users", { method: "POST", body: { name: "vic", role: "viewer" } });
  const { json } = await daybook.ask("/admin/users");
  const vic = (json as { id: string; name: string }[]).find(({ name }) => name === "vic")?.id ?? "";
  const { secret } = await tokenFor(daybook, "viewer", vic);
  const inputJson = { path: "planted-input" };
  await daybook.server.recorder.track(
    { kind: "mcp", action: "tool", name: "t", userId: vic, inputJson },
    async () => {},
  );
  const [event] = await daybook.events("kind=mcp");
  assert.equal(event?.input_json, JSON.stringify(inputJson));
  const shownTo = async (token: string, path: string) => {
    const { status, json } = await daybook.ask(path, { token });
    assert.equal(status, 200, path);
    return ([json].flat() as EventJson[]).map(({ event_id: id, input_json: input }) => [id, input]);
  };
  const exportedTo = async (token: string, format: FormatName) => {
    const path = `${daybook.url}/admin/audit-logs/export?kind=mcp&format=${format}`;
    const response = await fetch(path, { headers: bearer(token) });
    const events = await READERS[format](Buffer.from(await response.arrayBuffer()));
    return events.map(({ event_id: id, input_json: input }) => [id, input]);
  };
  const [whole, hidden] = [[[event?.event_id, event?.input_json]], [[event?.event_id, null]]];
  const lists = ["/admin/audit-logs", "/admin/audit/logs", "/api/system/audit-logs"];
  for (const path of [...lists.map((each) => `${each}?kind=mcp`), `/admin/audit-logs/${event?.event_id}`]) {
    assert.deepEqual(await shownTo(secret, path), hidden, path);
    assert.deepEqual(await shownTo(ADMIN_TOKEN, path), whole, path);
  }
  for (const format of FORMAT_NAMES) {
    assert.deepEqual(await exportedTo(secret, format), hidden, format);
    assert.deepEqual(await exportedTo(ADMIN_TOKEN, format), whole, format);
  }
  for (const path of ["/admin/audit-logs?input_json=x", "/admin/audit-logs/facets?fields=input_json"])
    assert.equal((await daybook.ask(path, { token: secret })).status, 400, path);
  const found = await daybook.ask("/admin/audit-logs?search=planted-input", { token: secret });
  assert.deepEqual(found.json, []);
});

test("who may not look is refused before anything is opened", async () => {
  const daybook = await shared();
  const refused: [string, Record<string, string>, number][] = [
    ["", {}, 401],
    ["", bearer("dbt_nobody"), 401],
    [`?token=${ADMIN_TOKEN}`, {}, 401],
    ["?ticket=dbw_none", {}, 401],
    ["?modle=x", bearer(ADMIN_TOKEN), 400],
    ["?after=yesterday", bearer(ADMIN_TOKEN), 400],
    ["?recent=1001", bearer(ADMIN_TOKEN), 400],
  ];
  for (const [query, headers, status] of refused)
    await assert.rejects(openLive(daybook.url, `/admin/ws/audit-logs${query}`, headers), { status }, query);
  assert.equal((await daybook.get("/admin/ws/audit-logs")).status, 400);
  assert.deepEqual(await daybook.events("kind=system&action=subscribed&status=success"), []);
});

test("a ticket opens one feed, for who asked for it, and no other", async () => {
  const daybook = await shared();
  const { secret } = await tokenFor(daybook, "auditor");
  const { json, status } = await daybook.ask("/admin/ws-tickets", { method: "POST", token: secret });
  assert.equal(status, 201);
  const { ticket } = json as { ticket: string };
  const live = await openLive(daybook.url, `/admin/ws/audit-logs?ticket=${ticket}`, {});
  await until(() => isLive(live));
  await assert.rejects(openLive(daybook.url, `/admin/ws/audit-logs?ticket=${ticket}`, {}), { status: 401 });
  live.socket.close();
});

test("a session's feed opens for Daybook's own pages only", async () => {
  const daybook = await shared();
  const password = "correct horse battery";
  await daybook.ask("/admin/users", { method: "POST", body: { name: "ann", role: "auditor", password } });
  const { headers } = await daybook.ask("/auth/login", {
    method: "POST",
    token: null,
    body: { name: "ann", password },
  });
  const [cookie = ""] = [headers["set-cookie"] ?? ""].flat().map((each) => each.split(";", 1)[0] ?? "");
  await assert.rejects(openLive(daybook.url, undefined, { cookie }), { status: 403 });
  await assert.rejects(openLive(daybook.url, undefined, { cookie, origin: "https://evil.example" }), {
    status: 403,
  });
  const live = await openLive(daybook.url, undefined, { cookie, origin: daybook.url });
  await until(() => isLive(live));
  live.socket.close();
});

test("a token that is revoked, and a user who may see less, end their feeds", async () => {
  const daybook = await shared();
  const { id, secret } = await tokenFor(daybook, "auditor");
  const live = await openLive(daybook.url, undefined, bearer(secret));
  await until(() => isLive(live));
  await daybook.ask(`/admin/tokens/${id}`, { method: "DELETE" });
  assert.equal(await live.closed, 4401);
  const last = live.frames.at(-1);
  assert.ok(last?.type === "error" && last.code === "unauthorized" && parsePosition(last.position) !== null);
});

test("what a client should not send closes its feed, and no other", async () => {
  const daybook = await shared();
  const other = await openLive(daybook.url);
  const sent: [string, (live: LiveSocket) => void, number][] = [
    ["a huge message", ({ socket }) => socket.send("x".repeat(100_000)), 1009],
    ["bytes", ({ socket }) => socket.send(Buffer.from([1, 2, 3])), 1003],
    ["a flood", ({ socket }) => Array.from({ length: 100 }, () => socket.send("?")), 1008],
    ["no UTF-8", ({ socket }) => socket.send(Buffer.from([0xff, 0xfe]), { binary: false }), 1007],
    ["garbage", (live) => raw(live).write(Buffer.alloc(64, 0xff)), 1002],
  ];
  for (const [what, send, code] of sent) {
    const live = await openLive(daybook.url);
    send(live);
    assert.equal(await live.closed, code, what);
  }
  await traffic(daybook, 1);
  await until(() => other.events().some(({ kind }) => kind === "inference"));
  other.socket.close();
});

function raw({ socket }: LiveSocket): { write(bytes: Buffer): void } {
  return (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket;
}

test("a server that stops says so, with where to go on from", async (t) => {
  const daybook = await startDaybook(t);
  const live = await openLive(daybook.url);
  await until(() => isLive(live));
  const stopped = daybook.server.close(0);
  assert.equal(await live.closed, 1001);
  const last = live.frames.at(-1);
  assert.ok(last?.type === "error" && last.code === "shutting_down");
  await stopped;
});
