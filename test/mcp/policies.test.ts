// What a policy forbids never reaches a server, over HTTP and over stdio, and its event says why.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startDaybook } from "../support/daybook.ts";
import { callTool, postMcp } from "./call.ts";
import { startScripted } from "./scripted-server.ts";
import { wrap } from "./wrapped.ts";

const POLICIES = `
policies:
  - name: not-below-etc
    match: { kind: mcp, action: tool, name: "write_*" }
    when: has(arguments.path) && arguments.path.startsWith("/etc/")
    effect: deny
    reason: Nothing is written below /etc.
  - { name: noted, match: { kind: mcp, name: "read_*" }, effect: warn, reason: Somebody reads. }
`;
const DENIED = {
  status: "error",
  status_code: 403,
  error_code: "policy_denied",
  policy_decision: "deny",
  policy_reason: "Nothing is written below /etc.",
  policies: '["not-below-etc"]',
};

test("over HTTP a denied call is answered with an error, and the server sees none", async (t) => {
  const server = await startScripted(t);
  const daybook = await startDaybook(t, {
    yaml: `mcp: { servers: [{ name: scripted, url: "${server.url}" }] }\n${POLICIES}`,
  });
  const denied = await postMcp(daybook.url, callTool("write_file", { path: "/etc/passwd" }, {}, "a"));
  const answer = JSON.parse(denied.text ?? "") as {
    id: string;
    error: { code: number; message: string; data: object };
  };
  assert.deepEqual(
    [denied.status, answer.id, answer.error.code, answer.error.message],
    [200, "a", -32_000, DENIED.policy_reason],
  );
  const escaped =
    '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"write_file","arguments":{"x":{"path":1},"p\\u0061th":"/etc/x"}}}';
  await postMcp(daybook.url, escaped);
  await postMcp(daybook.url, [callTool("fine"), callTool("write_file", { path: "/etc/x" }, {}, 2)]);
  assert.deepEqual(server.called, []);
  await postMcp(daybook.url, callTool("write_file", { path: "/home/x" }));
  await postMcp(daybook.url, callTool("read_file", { path: "/etc/x" }));
  assert.deepEqual(server.called, ["write_file", "read_file"]);
  const events = await daybook.events("kind=mcp");
  const decisions = events.map(({ name, policy_decision, error_code }) => [
    name,
    policy_decision,
    error_code,
  ]);
  assert.deepEqual(decisions, [
    ["write_file", "deny", "policy_denied"],
    ["write_file", "deny", "policy_denied"],
    ["fine", "n/a", "policy_denied"],
    ["write_file", "deny", "policy_denied"],
    ["write_file", "n/a", null],
    ["read_file", "warn", null],
  ]);
  assert.partialDeepStrictEqual(events[0], DENIED);
});

test("over stdio too", async (t) => {
  const wrapped = await wrap(t, { yaml: POLICIES });
  wrapped.say(callTool("write_file", { path: "/etc/passwd" }, {}, "a"));
  wrapped.say(callTool("echo", { text: "after" }, {}, "b"));
  const answers = [await wrapped.heard("a"), await wrapped.heard("b")] as {
    error?: { message: string };
    result?: object;
  }[];
  assert.equal(answers[0]?.error?.message, DENIED.policy_reason);
  assert.ok(answers[1]?.result);
  assert.deepEqual(await wrapped.end(), { code: 0, signal: null });
  const events = await wrapped.events();
  assert.partialDeepStrictEqual(events[0], { ...DENIED, name: "write_file", caller: "stdio" });
  assert.deepEqual(
    events.map(({ name }) => name),
    ["write_file", "echo"],
  );
  assert.deepEqual(wrapped.called(), ["echo"]);
});

test("over stdio each call of a batch is judged by itself, also of two with one id, and all are answered", async (t) => {
  const wrapped = await wrap(t, { yaml: POLICIES });
  const ping = { jsonrpc: "2.0", id: 7, method: "ping" };
  wrapped.say([callTool("echo", {}, {}, 1), callTool("write_file", { path: "/etc/x" }, {}, 1), ping]);
  assert.ok((await wrapped.heard(7)) !== undefined);
  await wrapped.end();
  assert.deepEqual(wrapped.called(), []);
  assert.deepEqual(
    (await wrapped.events()).map(({ name, error_code, policy_decision }) => [
      name,
      error_code,
      policy_decision,
    ]),
    [
      ["echo", "policy_denied", "n/a"],
      ["write_file", "policy_denied", "deny"],
    ],
  );
});
