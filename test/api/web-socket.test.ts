import assert from "node:assert/strict";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { test } from "node:test";
import { openWebSocket } from "../../src/api/feed/web-socket.ts";

test("a client that leaves before its WebSocket is open is not waited for", { timeout: 20_000 }, async () => {
  const socket = new Socket();
  const request = new IncomingMessage(socket);
  Object.assign(request, { method: "GET", url: "/" });
  Object.assign(request.headers, {
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": `${"A".repeat(22)}==`,
  });
  socket.destroy();
  const opened = openWebSocket(
    request,
    { socket, head: Buffer.alloc(0) },
    { together: false, onGone: () => {} },
  );
  await assert.rejects(opened, /left before/);
});
