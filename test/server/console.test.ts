// A console in front of a real server: its paths, its frames, and who may ask it.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { request } from "undici";
import { WebSocket, WebSocketServer } from "ws";
import { type Console, openConsole } from "../../src/server/console.ts";
import { ADMIN_TOKEN, chat, startDaybook } from "../support/daybook.ts";
import { openLive } from "../support/live.ts";
import { until } from "../support/until.ts";

const LISTEN = { host: "127.0.0.1", port: 0 };
const SOCKET = "/api/system/ws/audit-logs";

async function consoleOf(t: TestContext, upstream: string): Promise<Console> {
  const console = await openConsole({ upstream: new URL(upstream), token: ADMIN_TOKEN, listen: LISTEN });
  t.after(() => console.close());
  return console;
}

test("a console shows another node's trail, its feeds included, without a token", async (t) => {
  const daybook = await startDaybook(t);
  const { url } = await consoleOf(t, daybook.url);
  await chat(daybook.url);
  await daybook.settle();
  for (const path of ["", "/stats", "/count"]) {
    const shown = await request(`${url}/api/system/audit-logs${path}?kind=inference`);
    const own = await daybook.get(`/admin/audit-logs${path}?kind=inference`);
    assert.equal(shown.statusCode, 200);
    assert.equal(await shown.body.text(), own.text);
  }
  const live = await openLive(url, `${SOCKET}?kind=inference`, {});
  await until(() => live.events().length === 1);
  await chat(daybook.url);
  await until(() => live.events().length === 2);
  assert.deepEqual(live.events(), await daybook.events("kind=inference"));
  const stream = await request(`${url}/api/system/audit-logs/stream?kind=inference`);
  for await (const chunk of stream.body) if (String(chunk).includes('"type":"log"')) break;
  // What the other refuses is refused here, in its words.
  const refused = await request(`${url}/api/system/audit-logs?modle=x`);
  assert.equal(refused.statusCode, 400);
  assert.match(await refused.body.text(), /modle/);
});

test("while the other node is away: 503 and one error frame; then feeds go on where they were", async (t) => {
  const daybook = await startDaybook(t);
  const { url } = await consoleOf(t, daybook.url);
  await chat(daybook.url);
  await daybook.settle();
  const one = await openLive(url, SOCKET, {});
  await until(() => one.frames.some((frame) => frame.type === "position" && frame.live));
  const at = one.frames.findLast((frame) => frame.type === "position")?.position ?? "";
  one.socket.terminate();
  await chat(daybook.url);
  await daybook.settle();
  const other = await openLive(url, `${SOCKET}?kind=inference&after=${encodeURIComponent(at)}`, {});
  await until(() => other.events().length === 1);
  assert.deepEqual(other.events(), (await daybook.events("kind=inference")).slice(1));
  await daybook.server.close(0);
  assert.equal(await other.closed, 1001);
  const away = await request(`${url}/api/system/audit-logs`);
  assert.equal(away.statusCode, 503);
  assert.equal(((await away.body.json()) as { detail: string }).detail, "MLX Server not available");
  const late = await openLive(url, SOCKET, {});
  await late.closed;
  assert.deepEqual(late.frames, [{ type: "error", message: "MLX Server not available for audit logs" }]);
});

test("a console reads no faster than who looks at it", async (t) => {
  const upstream = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  t.after(() => upstream.close());
  await once(upstream, "listening");
  const { url } = await consoleOf(t, `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`);
  /** Who looks, and where what it sees comes from. */
  const joined = async () => {
    const near = new WebSocket(url.replace("http", "ws") + SOCKET);
    const [[far]] = await Promise.all([once(upstream, "connection"), once(near, "open")]);
    t.after(() => near.terminate());
    return { near, far: far as WebSocket };
  };
  const slow = await joined();
  slow.near.pause();
  // More than the kernel keeps for both connections.
  const numbers = Array.from({ length: 96 }, (_, number) => number);
  for (const number of numbers) slow.far.send(Buffer.alloc(2 ** 20, number));
  const quick = await joined();
  for (let round = 0; round < 300; round++) {
    const shown = once(quick.near, "message");
    quick.far.send(Buffer.alloc(2 ** 18));
    await shown;
  }
  assert.ok(slow.far.bufferedAmount > 0, "what nobody reads waits where it comes from");
  const got: (number | undefined)[] = [];
  slow.near.on("message", (data: Buffer) => got.push(data[0]));
  slow.near.resume();
  await until(() => got.length === numbers.length);
  assert.deepEqual(got, numbers);
});

test("a console answers to its own name, its own pages, and readers only", async (t) => {
  const daybook = await startDaybook(t);
  const { url } = await consoleOf(t, daybook.url);
  const status = async (path: string, options: Parameters<typeof request>[1] = {}) => {
    const { statusCode, body } = await request(url + path, options);
    assert.ok(!(await body.text()).includes(ADMIN_TOKEN));
    return statusCode;
  };
  assert.equal(await status("/api/system/audit-logs", { headers: { host: "evil.example" } }), 403);
  assert.equal(await status("/api/system/ws-tickets", { method: "POST" }), 405);
  assert.equal(await status("/admin/users"), 404);
  assert.equal(await status("/api/system/../../admin/users"), 404);
  assert.equal(await status("/api/system/%2e%2e/%2e%2e/admin/users"), 404);
  await assert.rejects(openLive(url, SOCKET, { origin: "https://evil.example" }), { status: 403 });
  await assert.rejects(
    openConsole({ upstream: new URL(url), token: "t", listen: { host: "0.0.0.0", port: 0 } }),
    {
      code: "bad_argument",
    },
  );
});
