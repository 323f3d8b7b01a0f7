// The wrapper over stdio: lines pass as they are, each call has its event, and the server's life is the command's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { callTool } from "./call.ts";
import { wrap } from "./wrapped.ts";

for (const mode of ["open", "strict"] as const) {
  test(`lines pass as they are, and each call has its event: ${mode} mode`, async (t) => {
    const wrapped = await wrap(t, { yaml: `audit: { modes: { mcp: ${mode} } }\n` });
    wrapped.say({ jsonrpc: "2.0", id: 0, method: "initialize", params: {} });
    const call = callTool("echo", { text: "Grüße", password: "hidden" }, {}, "é");
    // In two writes, within a character.
    const bytes = Buffer.from(`${JSON.stringify(call)}\n`);
    wrapped.child.stdin.write(bytes.subarray(0, bytes.indexOf(0xc3) + 1));
    wrapped.child.stdin.write(bytes.subarray(bytes.indexOf(0xc3) + 1));
    await wrapped.heard("é");
    wrapped.say(
      `\n${JSON.stringify(callTool("fail", {}, {}, 2))}\n${JSON.stringify(callTool("big", {}, {}, 3))}\n`,
    );
    wrapped.say({ jsonrpc: "2.0", method: "notifications/x" });
    const big = (await wrapped.heard(3)) as { result: { content: { text: string }[] } };
    assert.equal(big.result.content[0]?.text.length, 2 << 20);
    wrapped.say("this is no JSON\n");
    await until(() => wrapped.out().includes("-32700"), 60_000);
    assert.deepEqual(await wrapped.end(), { code: 0, signal: null });
    const events = await wrapped.events();
    assert.deepEqual(
      events.map(({ action, name, status, error_code, caller, user_id, provider }) => [
        action,
        name,
        status,
        error_code,
        caller,
        user_id,
        provider,
      ]),
      [
        ["tool", "echo", "success", null, "stdio", "ana", "lines"],
        ["tool", "fail", "error", "tool_error", "stdio", "ana", "lines"],
        ["tool", "big", "success", null, "stdio", "ana", "lines"],
        ["request", null, "error", "invalid_request", "stdio", "ana", "lines"],
      ],
    );
    assert.equal(events[0]?.input_json, '{"password":"[REDACTED]","text":"Grüße"}');
    assert.equal(new Set(events.map(({ session_id }) => session_id)).size, 1);
  });
}

test("the server's exit code is the command's, and what it left unanswered is told", async (t) => {
  const wrapped = await wrap(t);
  wrapped.say(callTool("hang", {}, {}, 1));
  wrapped.say(callTool("exit:7", {}, {}, 2));
  assert.deepEqual(await wrapped.exited(), { code: 7, signal: null });
  const events = await wrapped.events();
  assert.deepEqual(events.map(({ name, error_code, error_type }) => [name, error_code, error_type]).sort(), [
    ["exit:7", "stream_interrupted", "server_ended"],
    ["hang", "stream_interrupted", "server_ended"],
  ]);
});

test("the signal that ended the server ends the command", async (t) => {
  const wrapped = await wrap(t);
  wrapped.say(callTool("kill", {}, {}, 1));
  assert.deepEqual(await wrapped.exited(), { code: null, signal: "SIGKILL" });
  assert.equal((await wrapped.events()).length, 1);
});

test("a signal goes to the server, which may answer it its own way", async (t) => {
  const wrapped = await wrap(t);
  wrapped.say(callTool("hang", {}, {}, 1));
  await until(() => wrapped.called().length === 1, 60_000);
  wrapped.child.kill("SIGTERM");
  assert.deepEqual(await wrapped.exited(), { code: 9, signal: null });
  assert.match(wrapped.err(), /terminated/);
});

test("a call that the client calls off is over at once", async (t) => {
  const wrapped = await wrap(t);
  wrapped.say(callTool("hang", {}, {}, 1));
  await until(() => wrapped.called().length === 1, 60_000);
  wrapped.say({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } });
  await wrapped.end();
  const [event] = await wrapped.events();
  assert.deepEqual([event?.status, event?.error_type], ["cancelled", "cancelled"]);
});

test("a client that is gone ends the server, and what was under way is told", async (t) => {
  const wrapped = await wrap(t);
  wrapped.say(callTool("hang", {}, {}, 1));
  await until(() => wrapped.called().length === 1, 60_000);
  wrapped.child.stdout.destroy();
  wrapped.say(callTool("echo", {}, {}, 2));
  wrapped.say(callTool("echo", {}, {}, 3));
  assert.deepEqual(await wrapped.exited(), { code: 9, signal: null });
  assert.match(wrapped.err(), /terminated/);
  const hung = (await wrapped.events()).find(({ name }) => name === "hang");
  assert.equal(hung?.error_type, "server_ended");
});

test("a server that ignores its signal is ended all the same, once its client is gone", async (t) => {
  const deaf = `
    process.on("SIGTERM", () => process.stderr.write("called deaf\\n"));
    process.stderr.write("called ready\\n");
    setInterval(() => {}, 1000);
    process.stdin.on("data", () => process.stdout.write("{}\\n"));`;
  const wrapped = await wrap(t, { command: [process.execPath, "-e", deaf] });
  await until(() => wrapped.called().includes("ready"), 60_000);
  wrapped.child.stdout.destroy();
  await until(() => {
    wrapped.say({ jsonrpc: "2.0", method: "notifications/x" });
    return wrapped.called().includes("deaf");
  }, 60_000);
  assert.deepEqual(await wrapped.exited(), { code: null, signal: "SIGKILL" });
});

test("a message with a CR within, which ends a line for many readers, never reaches the server", async (t) => {
  const wrapped = await wrap(t);
  const hidden = JSON.stringify(callTool("delete", {}, {}, 2));
  const [before, after] = JSON.stringify(callTool("echo", { x: "HERE" }, {}, 1)).split('"HERE"');
  wrapped.say(`${before}\r${hidden}\r${after}\n`);
  wrapped.say(`${JSON.stringify(callTool("echo", {}, {}, 3))}\r\n`);
  await wrapped.heard(3);
  await wrapped.end();
  assert.deepEqual(wrapped.called(), ["echo"]);
  assert.deepEqual(
    (await wrapped.events()).map(({ name, error_code }) => [name, error_code]),
    [
      [null, "invalid_request"],
      ["echo", null],
    ],
  );
});

test("events go to another Daybook where that is the store", async (t) => {
  const daybook = await startDaybook(t);
  const body = { name: "laptop", role: "admin", scopes: ["ingest"] };
  const { json } = await daybook.ask("/admin/tokens", { method: "POST", body });
  const { secret } = json as { secret: string };
  const wrapped = await wrap(t, { yaml: `store: ${daybook.url.replace("://", `://ingest:${secret}@`)}\n` });
  wrapped.say(callTool("echo", { city: "Zug" }, {}, 1));
  await wrapped.heard(1);
  assert.deepEqual(await wrapped.end(), { code: 0, signal: null });
  const [event, ...more] = await daybook.events("kind=mcp");
  assert.equal(more.length, 0);
  assert.partialDeepStrictEqual(event, { name: "echo", caller: "stdio", input_json: '{"city":"Zug"}' });
});

test("many at once on one folder lose nothing", async (t) => {
  const home = tempFolder();
  const all = await Promise.all(Array.from({ length: 4 }, () => wrap(t, { home })));
  for (const wrapped of all) for (let id = 0; id < 25; id++) wrapped.say(callTool("echo", { id }, {}, id));
  for (const wrapped of all) await wrapped.heard(24);
  for (const wrapped of all) assert.deepEqual(await wrapped.end(), { code: 0, signal: null });
  assert.equal((await all[0]?.events())?.length, 100);
});

test("a command that is not there is said, with exit code 2", async (t) => {
  const wrapped = await wrap(t, { command: ["/nobody/has/this"] });
  assert.deepEqual(await wrapped.exited(), { code: 2, signal: null });
  assert.match(wrapped.err(), /Cannot start .*ENOENT/);
});
