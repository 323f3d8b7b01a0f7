import assert from "node:assert/strict";
import { test } from "node:test";
import { unshippedOf } from "../library/made-batch.ts";
import { serveApi, TOKENS } from "./served-api.ts";

test("events of another process wake the live feed once they are durable", async () => {
  const { lines } = await unshippedOf(1);
  const told: string[] = [];
  await using api = await serveApi([], {
    ingest: {
      append: async () => {
        told.push("appended");
        return { result: "appended", at: null };
      },
      seal: async () => {},
      nodes: async () => [],
    },
    feed: { subscribe: () => assert.fail("nobody listens"), wake: () => told.push("woken") },
  });
  const { status, text } = await api.ask("/ingest/events", {
    method: "POST",
    token: TOKENS.admin,
    headers: { "content-type": "application/x-ndjson" },
    body: lines.join(""),
  });
  assert.equal(status, 200, text);
  assert.deepEqual(told, ["appended", "woken"]);
});
