// Clients that leave while a change is under way: the change is its event, and a change that was not made says why.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import type { ApiParts } from "../../src/api/api-parts.ts";
import { DaybookError } from "../../src/event/errors.ts";
import { serveApi, TOKENS } from "./served-api.ts";

/** Asks for a change, leaves once it is under way, and lets it end by `end`. */
async function leaveDuring(end: (committed: () => void) => void) {
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { promise: over, resolve: onOver } = Promise.withResolvers<void>();
  const keys = {
    async revoke(actor: { committed?: (eventId: string) => void }) {
      onAsked();
      await gate;
      setImmediate(onOver);
      end(() => actor.committed?.("01890a5d-ac96-774b-bcce-b302099a8057"));
    },
  };
  const api = await serveApi([], { keys: keys as unknown as ApiParts["keys"] });
  const socket = connect(api.port, "127.0.0.1");
  const head = `DELETE /admin/api-keys/key_1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKENS.admin}\r\n\r\n`;
  socket.write(head);
  await asked;
  socket.destroy();
  // The server has seen the end of that connection when it answers the next.
  for (let turn = 0; turn < 3; turn++) await api.ask("/metrics", { waitForOthers: false });
  open();
  await over;
  await api.ask("/metrics", { waitForOthers: false });
  const events = api.events.map(({ kind, status, error_code, error_type }) => [
    kind,
    status,
    error_code,
    error_type,
  ]);
  await api[Symbol.asyncDispose]();
  return events;
}

test("an export that ends because its client left is no fault that is told", async () => {
  const told: unknown[] = [];
  const { promise: begun, resolve: onBegun } = Promise.withResolvers<void>();
  const { promise: over, resolve: onOver } = Promise.withResolvers<void>();
  const { promise: gone, resolve: onGone } = Promise.withResolvers<void>();
  const running = {
    summary: null,
    async *[Symbol.asyncIterator]() {
      yield { bytes: Buffer.from("{}\n"), point: null };
      onBegun();
      await gone;
      onOver();
      throw new DaybookError("worker_failed", "the export");
    },
  };
  await using api = await serveApi([{}], {
    exporter: { start: () => running } as unknown as ApiParts["exporter"],
    report: (error) => told.push(error),
  });
  const socket = connect(api.port, "127.0.0.1");
  socket.write(
    `GET /admin/audit-logs/export HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKENS.admin}\r\n\r\n`,
  );
  await begun;
  socket.destroy();
  await api.finished(1);
  onGone();
  await over;
  await api.ask("/metrics", { waitForOthers: false });
  assert.deepEqual(told, []);
  assert.deepEqual(
    api.events.map(({ action, status }) => [action, status]),
    [["exported", "cancelled"]],
  );
});

test("a change that is made leaves no event of its request beside its own", async () => {
  assert.deepEqual(await leaveDuring((committed) => committed()), []);
});

test("a change that is not made leaves its reason, not that the client left", async () => {
  const events = await leaveDuring(() => {
    throw new DaybookError("conflict", "It is revoked already.");
  });
  assert.deepEqual(events, [["admin", "error", "conflict", "conflict"]]);
});
