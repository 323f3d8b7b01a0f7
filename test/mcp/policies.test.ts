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

interface Answer {
  readonly id: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** What answers which request of a batch: an error of ours, one of the server's, or a result. */
const told = (text: string | null) =>
  (JSON.parse(text ?? "") as Answer[]).map(({ id, error }) => [
    id,
    error === undefined ? "result" : error.message === DENIED.policy_reason ? "denied" : "failed",
  ]);
const DENIED_CALL = callTool("write_file", { path: "/etc/x" }, {}, 2);
const NOTICE = { jsonrpc: "2.0", method: "notifications/x" };

for (const mode of ["open", "strict"]) {
  test(`${mode}: of a batch what is allowed goes on as it came, and all are answered in one array`, async (t) => {
    const server = await startScripted(t);
    const yaml = `mcp: { servers: [{ name: scripted, url: "${server.url}" }] }\naudit: { modes: { mcp: ${mode} } }\n`;
    const daybook = await startDaybook(t, { yaml: yaml + POLICIES });
    const post = (...batch: object[]) => postMcp(daybook.url, batch);

    const kept = JSON.stringify(callTool("fine", { big: 1 }, {}, 1)).replace('"big":1', '"big": 1.0e2');
    const ping = { jsonrpc: "2.0", id: "p", method: "ping" };
    const three = await postMcp(
      daybook.url,
      `[ ${kept} , ${JSON.stringify(DENIED_CALL)},${JSON.stringify(ping)}]`,
    );
    assert.equal(server.asked.at(-1)?.body.toString(), `[${kept},${JSON.stringify(ping)}]`);
    assert.deepEqual(told(three.text), [
      [1, "result"],
      ["p", "result"],
      [2, "denied"],
    ]);

    const stream = await post(callTool("batch_stream", {}, {}, 1), DENIED_CALL);
    const data = [...(stream.text ?? "").matchAll(/^data: (.*)$/gm)].map(([, each]) => each);
    assert.deepEqual(told(`[${data}]`), [
      [2, "denied"],
      [1, "result"],
    ]);

    const alone = await post(callTool("batch_alone", {}, {}, 1), DENIED_CALL);
    assert.deepEqual(told(alone.text), [
      [null, "failed"],
      [2, "denied"],
    ]);

    const notified = await post(DENIED_CALL, NOTICE);
    assert.deepEqual([notified.status, told(notified.text)], [200, [[2, "denied"]]]);
    assert.equal(server.asked.at(-1)?.body.toString(), `[${JSON.stringify(NOTICE)}]`);

    const requests = server.asked.length;
    const none = await post(DENIED_CALL, { ...DENIED_CALL, id: 3 });
    assert.deepEqual(
      [none.status, told(none.text)],
      [
        200,
        [
          [2, "denied"],
          [3, "denied"],
        ],
      ],
    );
    assert.equal(server.asked.length, requests);

    const events = await daybook.events("kind=mcp");
    const seen = events.map(({ name, error_code }) => `${name} ${error_code}`);
    assert.deepEqual(
      Object.entries(Object.groupBy(seen, (each) => each))
        .map(([each, all]) => [each, all?.length])
        .sort(),
      [
        ["batch_alone protocol_error", 1],
        ["batch_stream null", 1],
        ["fine null", 1],
        ["write_file policy_denied", 6],
      ],
    );
    assert.deepEqual(
      server.called.filter((name) => name === "write_file"),
      [],
    );
  });
}

test("a batch that its server never answers is told so for what went on, and for what did not what it was", async (t) => {
  const server = await startScripted(t);
  const yaml = `mcp: { servers: [{ name: scripted, url: "${server.url}" }, { name: gone, url: "http://127.0.0.1:1" }] }\n`;
  const daybook = await startDaybook(t, { yaml: yaml + POLICIES });
  const answer = await postMcp(daybook.url, [callTool("fine"), DENIED_CALL], { path: "/mcp/gone" });
  assert.deepEqual(
    [answer.status, told(answer.text)],
    [
      502,
      [
        [2, "denied"],
        [1, "failed"],
      ],
    ],
  );
  const events = await daybook.events("kind=mcp");
  assert.deepEqual(events.map(({ name, error_code }) => [name, error_code]).sort(), [
    ["fine", "provider_unreachable"],
    ["write_file", "policy_denied"],
  ]);
});

test("over stdio what is allowed of a batch goes on, and all are answered in one array", async (t) => {
  const wrapped = await wrap(t, { yaml: POLICIES });
  const lines = () => wrapped.out().split("\n").slice(0, -1);
  wrapped.say([callTool("echo", {}, {}, 1), DENIED_CALL, NOTICE, callTool("fail", {}, {}, "c")]);
  await wrapped.heardLines(1);
  wrapped.say([DENIED_CALL, NOTICE]);
  await wrapped.heardLines(2);
  wrapped.say([callTool("apart:1", {}, {}, 5), DENIED_CALL]);
  await wrapped.heardLines(4);
  await wrapped.end();
  assert.deepEqual(told(lines()[0] ?? ""), [
    [1, "result"],
    ["c", "result"],
    [2, "denied"],
  ]);
  assert.deepEqual(told(lines()[1] ?? ""), [[2, "denied"]]);
  // A server that does not know batches answers each by itself.
  assert.deepEqual([told(`[${lines()[2]}]`), told(lines()[3] ?? "")], [[[5, "result"]], [[2, "denied"]]]);
  assert.deepEqual(wrapped.called(), ["echo", "fail", "apart:1"]);
  const events = (await wrapped.events()).map(({ name, error_code }) => `${name} ${error_code}`);
  const denials = Array<string>(3).fill("write_file policy_denied");
  assert.deepEqual(events.sort(), ["apart:1 null", "echo null", "fail tool_error", ...denials]);
});

test("calls of a batch share what judging may cost: what cannot be judged any more is denied", async (t) => {
  const server = await startScripted(t);
  const yaml = `mcp: { servers: [{ name: scripted, url: "${server.url}" }] }
policies: [{ name: costly, match: { kind: mcp }, when: 'arguments.s.contains("needle")', effect: deny }]\n`;
  const daybook = await startDaybook(t, { yaml });
  const text = "x".repeat(300_000);
  const batch = Array.from({ length: 40 }, (_, id) => callTool(`t${id}`, { s: text }, {}, id));
  const { text: answer } = await postMcp(daybook.url, batch);
  const answers = JSON.parse(answer ?? "") as Answer[];
  assert.equal(answers.length, 40);
  // 200,000 units, and 18,750 for each look at the text.
  assert.equal(server.called.length, 10);
  const denied = answers.filter(({ error }) => error?.message.includes("(too_costly)"));
  assert.equal(denied.length, 30);
  await postMcp(daybook.url, callTool("alone", { s: text }));
  assert.equal(server.called.at(-1), "alone");
});

test("while arguments that would hang the judge are refused, the requests beside them are served", async (t) => {
  const server = await startScripted(t);
  const yaml = `mcp: { servers: [{ name: scripted, url: "${server.url}" }] }
policies: [{ name: slow, match: { kind: mcp, name: slow }, when: 'arguments.l.all(x, arguments.l.all(y, x + y >= 0.0))', effect: deny }]\n`;
  const daybook = await startDaybook(t, { yaml });
  const list = Array.from({ length: 5000 }, (_, n) => n + 0.5);
  const asked = Array.from({ length: 60 }, (_, n) =>
    n % 3 === 0 ? callTool("slow", { l: list }, {}, n) : callTool("quick", {}, {}, n),
  );
  const answers = await Promise.all(asked.map((call) => postMcp(daybook.url, call)));
  const refused = answers.filter(({ text }) => text?.includes("(too_costly)")).length;
  assert.deepEqual([refused, answers.filter(({ status }) => status === 200).length], [20, 60]);
  assert.deepEqual(
    server.called,
    Array.from({ length: 40 }, () => "quick"),
  );
});
