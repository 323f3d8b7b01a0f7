// Refusals that nobody is known to have caused, through the gateway: singly, then counted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Routes } from "../../src/gateway/routes.ts";
import { serveGateway } from "./served-gateway.ts";

const CHAT = "/v1/chat/completions";
const WRONG = { authorization: "Bearer wrong", "x-request-id": "mine" };

for (const mode of ["open", "strict"] as const) {
  test(`${mode}: beyond the rate they are counted, answered all the same, and none is lost`, async (t) => {
    const gateway = await serveGateway(t, { routes: new Routes([], []), singly: 3, mode });
    for (let n = 0; n < 20; n++) {
      const { status, headers, text } = await gateway.post(CHAT, "{}", WRONG);
      assert.deepEqual(
        [status, headers["x-request-id"], headers["www-authenticate"]],
        [401, "mine", "Bearer"],
      );
      assert.equal((JSON.parse(text ?? "") as { request_id: string }).request_id, "mine");
    }
    const { status } = await gateway.post("/v1/messages", "{}", { ...WRONG, "x-test-ip": "192.0.2.9" });
    assert.equal(status, 401);
    const { begun, recorded } = gateway.recorder.counters.byKind.inference;
    assert.equal(begun, recorded + gateway.recorder.inFlight().inference);
    gateway.refusals.close();
    const events = await gateway.events();
    assert.equal(
      events.reduce((sum, { count }) => sum + count, 0),
      21,
    );
    const [summary, ...more] = events.filter(({ count }) => count > 1);
    assert.deepEqual(
      [
        summary?.count,
        summary?.error_code,
        summary?.error_type,
        summary?.endpoint,
        summary?.client_ip,
        more.length,
      ],
      [17, "unauthorized", "unknown", CHAT, "127.0.0.1", 0],
    );
    assert.deepEqual([summary?.status, summary?.status_code, summary?.action], ["error", 401, "chat"]);
  });
}

test("paths and methods that are not there count too; what a known key does never", async (t) => {
  const gateway = await serveGateway(t, { routes: new Routes([], []), singly: 0 });
  for (let n = 0; n < 5; n++) {
    assert.equal((await gateway.post("/v1/nothing", "{}", WRONG)).status, 404);
    assert.equal((await gateway.post("/v1/models", "{}", WRONG)).status, 405);
    assert.equal((await gateway.post("/v1/nothing", "{}")).status, 404);
  }
  gateway.refusals.close();
  const events = await gateway.events();
  const told = events.map(({ count, error_code, api_key_id }) => `${count} ${error_code} ${api_key_id}`);
  assert.deepEqual(told.toSorted(), [
    ...Array<string>(5).fill("1 not_found key_1"),
    "5 method_not_allowed null",
    "5 not_found null",
  ]);
});
