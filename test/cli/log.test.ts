import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { eventJson } from "../../src/event/json.ts";
import { failed } from "../../src/event/outcomes.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { serveApi, TOKENS } from "../api/served-api.ts";
import { makeTrail, type Past } from "../read/trail.ts";
import { runLog } from "./screen.ts";

const PAST: readonly Past[] = [
  { model: "gpt-4o-mini", backendType: "openai", userId: "ann", totalTokens: 15, durationMs: 120 },
  { kind: "mcp", action: "tool", name: "read_file", userId: "bob", outcome: failed("timeout") },
  { model: "llama3", backendType: "local", userId: "ann", outcome: failed("client_disconnected") },
  { kind: "system", action: "gap" },
];

afterEach(() => {
  process.exitCode = undefined;
});

function lines(text: string): string[] {
  return text.split("\n").slice(0, -1);
}

test("the trail on this machine is shown newest first, while its writer has it open", async () => {
  await using trail = await makeTrail(...PAST);
  const { out, err } = await runLog([], { env: { DAYBOOK_HOME: trail.folder } });
  const [head = "", ...rows] = lines(out);
  assert.equal(err, "");
  assert.match(head, /^time +kind +action +model +backend +status +code +ms +tokens +user +request id$/);
  assert.deepEqual(
    rows.map((row) => row.split(/ {2,}/)),
    [
      ["2026-01-31T12:00:02.000Z", "inference", "chat", "llama3", "local", "cancelled", "499", "ann", "r"],
      ["2026-01-31T12:00:01.000Z", "mcp", "tool read_file", "timeout", "504", "bob", "r"],
      [
        "2026-01-31T12:00:00.000Z",
        "inference",
        "chat",
        "gpt-4o-mini",
        "openai",
        "success",
        "200",
        "120",
        "15",
        "ann",
        "r",
      ],
    ],
  );
});

test("--json gives whole events, one a line, as the API does", async () => {
  await using trail = await makeTrail(...PAST);
  const { out } = await runLog(["--json", "--include-system"], { env: { DAYBOOK_HOME: trail.folder } });
  const store = await openStore(trail.address, "read");
  const query = { where: {}, not: { action: ["queried"] }, limit: 10, includeSystem: true };
  const { events } = await store.query(query);
  assert.deepEqual(
    lines(out).map((line) => JSON.parse(line)),
    events.map(eventJson),
  );
  await store.close();
});

test("every filter narrows, and repeated ones widen", async () => {
  await using trail = await makeTrail(...PAST);
  const count = async (...args: string[]) =>
    lines((await runLog(["--json", ...args], { env: { DAYBOOK_HOME: trail.folder } })).out).length;
  assert.equal(await count(), 3);
  assert.equal(await count("--include-system", "--filter", "action!=queried"), 4);
  assert.equal(await count("--kind", "system", "-action:queried"), 1);
  assert.equal(await count("status:timeout", "status:cancelled"), 2);
  assert.equal(await count("--query", "user:ann tokens>10"), 1);
  assert.equal(await count("READ_file"), 1);
  assert.equal(await count("--status", "timeout", "--status", "cancelled"), 2);
  assert.equal(await count("--user", "ann", "--model", "llama3"), 1);
  assert.equal(await count("--filter", "name=read_file"), 1);
  assert.equal(await count("--filter", "model="), 1);
  assert.equal(await count("--since", "59s"), 2);
  assert.equal(await count("--since", "2026-01-31T12:00:01Z", "--until", "2026-01-31T13:00:01+01:00"), 1);
  assert.equal(await count("--limit", "2"), 2);
});

test("a wrong value is refused with what is right", async () => {
  const wrong: [args: string[], code: string, said: RegExp][] = [
    [["--limit", "0"], "bad_argument", /--limit takes a whole number from 1 on, not "0"/],
    [["--limit", "abc"], "bad_argument", /not "abc"/],
    [["--since", "yesterday"], "bad_query", /since must be/],
    [["--status", "eror"], "bad_query", /success, error, timeout, cancelled/],
    [["--filter", "modle=a"], "bad_query", /Did you mean model\?/],
    [["--filter", "model"], "bad_argument", /--filter takes name=value/],
    [["--filter", "limit=5"], "bad_argument", /use --limit/],
    [["status:error", "modle:x"], "bad_query", /At 14: There is no "modle"\. Did you mean model\?/],
    [["--url", "localhost:4141"], "bad_argument", /http or https/],
    [["--url", "http://127.0.0.1:1"], "bad_argument", /DAYBOOK_TOKEN/],
    [["--url", "http://127.0.0.1:1", "--token-file", "/nowhere/token"], "bad_argument", /ENOENT/],
  ];
  for (const [args, code, said] of wrong) await assert.rejects(runLog(args), { code, message: said });
  for (const args of [["--nope"], ["--since"]])
    await assert.rejects(runLog(args), { name: "CommanderError" });
});

test("reading on this machine leaves its event, which names the filters and never their values", async () => {
  await using trail = await makeTrail(...PAST);
  await runLog(["--user", "ann", "tokens>1"], { env: { DAYBOOK_HOME: trail.folder } });
  const store = await openStore(trail.address, "read");
  const { events } = await store.query({ where: { action: ["queried"] }, limit: 10, includeSystem: true });
  await store.close();
  assert.deepEqual(
    events.map(({ kind, caller, status, metadata }) => ({ kind, caller, status, metadata })),
    [{ kind: "system", caller: "cli", status: "success", metadata: '{"filters":"user_id,total_tokens"}' }],
  );
});

test("an empty trail says so: on stdout to people, on stderr beside JSON lines", async () => {
  await using trail = await makeTrail({ model: "a" });
  const env = { DAYBOOK_HOME: trail.folder };
  assert.deepEqual(await runLog(["--model", "b"], { env }), { out: "No audit events found.\n", err: "" });
  assert.deepEqual(await runLog(["--model", "b", "--json"], { env }), {
    out: "",
    err: "No audit events found.\n",
  });
  assert.equal(process.exitCode, undefined);
});

test("a folder in which nothing was recorded is named, and the exit code is 1", async () => {
  const folder = await mkdtemp(join(tmpdir(), "daybook-log-"));
  const shown = await runLog([], { env: { DAYBOOK_HOME: folder } });
  assert.deepEqual(shown, {
    out: "",
    err: `Audit database not found. Nothing was recorded yet in ${folder}.\n`,
  });
  assert.equal(process.exitCode, 1);
  await rm(folder, { recursive: true });
});

test("where the profile has switched MCP events off, that is said when there is nothing to show", async () => {
  const folder = await mkdtemp(join(tmpdir(), "daybook-log-"));
  await writeFile(
    join(folder, "daybook.yaml"),
    "profiles: { quiet: { audit: { mcp: { enabled: false } } } }\n",
  );
  const env = { DAYBOOK_HOME: folder, DAYBOOK_CONFIG: join(folder, "daybook.yaml") };
  const shown = await runLog(["--profile", "quiet"], { env });
  assert.match(shown.err, /Audit logging is not enabled for profile "quiet"/);
  assert.doesNotMatch((await runLog([], { env })).err, /not enabled/);
  process.exitCode = undefined;
  await rm(folder, { recursive: true });
});

test("more than a page is read to the end, here and from afar", async () => {
  const past = Array.from({ length: 2300 }, (_, index) => ({ model: `m${index}` }));
  await using api = await serveApi(past);
  const expected = past.map(({ model }) => model).toReversed();
  const local = await runLog(["--json", "--limit", "2200"], { env: { DAYBOOK_HOME: api.trail.folder } });
  const remote = await runLog(["--json", "--limit", "2200", "--url", api.url], {
    env: { DAYBOOK_TOKEN: TOKENS.admin },
  });
  assert.deepEqual(
    lines(local.out).map((line) => JSON.parse(line).model),
    expected.slice(0, 2200),
  );
  assert.equal(remote.out, local.out);
  assert.equal(api.events.length, 1, "one query, one event");
  const plain = await runLog(["--limit", "5000"], { env: { DAYBOOK_HOME: api.trail.folder } });
  assert.equal(lines(plain.out).length, 2301, "one head in a pipe");
});

test("a remote trail is read with the token of the environment or a file, with the same filters", async () => {
  await using api = await serveApi(PAST);
  const file = join(api.trail.folder, "token");
  await writeFile(file, `${TOKENS.auditor}\n`);
  const { out } = await runLog(["--json", "--user", "ann", "--url", `${api.url}/`, "--token-file", file]);
  assert.deepEqual(
    lines(out).map((line) => JSON.parse(line).user_id),
    ["ann", "ann"],
  );
});

test("what a remote refuses is told in its words, and nothing else of it", async () => {
  await using api = await serveApi(PAST);
  const env = { DAYBOOK_TOKEN: "dbt_wrong" };
  await assert.rejects(runLog(["--url", api.url], { env }), (error: Error) => {
    assert.match(error.message, /answered 401: The token is not valid, has expired or was revoked\./);
    assert.ok(!error.message.includes("dbt_wrong"));
    return true;
  });
});

async function withRemote(listener: RequestListener, work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("a remote that is not there, not Daybook, or leads elsewhere is refused", async () => {
  const env = { DAYBOOK_TOKEN: "dbt_x" };
  await assert.rejects(runLog(["--url", "http://127.0.0.1:1"], { env }), {
    code: "remote_failed",
    message: /cannot be reached/,
  });
  await withRemote(
    (_, response) => response.end("<html>"),
    (url) =>
      assert.rejects(runLog(["--url", url], { env }), {
        code: "remote_failed",
        message: /does not come from Daybook/,
      }),
  );
  const asked: (string | undefined)[] = [];
  const elsewhere: RequestListener = (request, response) => {
    asked.push(request.url);
    response.setHeader("link", '<http://localhost:1/admin/audit-logs>; rel="next"');
    response.end("[]");
  };
  await withRemote(elsewhere, (url) =>
    assert.rejects(runLog(["--url", url], { env }), { code: "remote_failed", message: /another server/ }),
  );
  const redirect: RequestListener = (request, response) => {
    asked.push(request.url);
    response.writeHead(302, { location: "/elsewhere" }).end();
  };
  await withRemote(redirect, (url) =>
    assert.rejects(runLog(["--url", url], { env }), { message: /answered 302/ }),
  );
  assert.deepEqual(asked, ["/admin/audit-logs?limit=100", "/admin/audit-logs?limit=100"]);
});

test("a store that is behind is told of", async () => {
  await using trail = await makeTrail(...PAST);
  const homes: string[] = [];
  const lag = async (home: string) => {
    homes.push(home);
    return { events: 12 };
  };
  const { err } = await runLog([], { env: { DAYBOOK_HOME: trail.folder }, lag });
  assert.equal(err, "The newest 12 events are recorded but not shown yet.\n");
  assert.deepEqual(homes, [trail.folder]);
});

test("a terminal gets colours unless they are turned off; a pipe never", async () => {
  await using trail = await makeTrail(...PAST);
  const env = { DAYBOOK_HOME: trail.folder };
  const wide = { columns: 200 };
  const coloured = ({ out }: { out: string }) => out !== stripVTControlCharacters(out);
  assert.equal(coloured(await runLog([], { env }, wide)), true);
  assert.equal(coloured(await runLog(["--no-color"], { env }, wide)), false);
  assert.equal(coloured(await runLog([], { env: { ...env, NO_COLOR: "1" } }, wide)), false);
  assert.equal(coloured(await runLog([], { env })), false);
  assert.equal(coloured(await runLog(["--json"], { env }, wide)), false);
});

test("--columns shows only these fields, in this order, as a table and as JSON", async () => {
  await using trail = await makeTrail(...PAST);
  const env = { DAYBOOK_HOME: trail.folder };
  const columns = "user_id,total_tokens,status";
  const { out } = await runLog(["--columns", columns, "--model", "gpt-4o-mini"], { env });
  assert.deepEqual(
    lines(out).map((line) => line.trim().split(/ {2,}/)),
    [
      ["user_id", "total_tokens", "status"],
      ["ann", "15", "success"],
    ],
  );
  const json = await runLog(["--columns", columns, "--json", "--model", "gpt-4o-mini"], { env });
  assert.equal(json.out, '{"user_id":"ann","total_tokens":15,"status":"success"}\n');
  const wide = `${columns},model,endpoint,request_id`;
  const narrow = await runLog(["--columns", wide], { env }, { columns: 40 });
  for (const line of lines(narrow.out)) assert.ok(stripVTControlCharacters(line).length <= 40, line);
  await assert.rejects(runLog(["--columns", "user_id,modle"], { env }), {
    code: "bad_argument",
    message: /"modle".*Did you mean model\?/,
  });
  await assert.rejects(runLog(["--columns", columns, "--export", "/tmp/x.csv"], { env }), {
    code: "bad_argument",
  });
});
