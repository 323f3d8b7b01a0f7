import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { AuditEvent } from "../../src/event/fields.ts";
import { answered, createRecorder, DaybookError, failed, failedAsSent } from "../../src/library/index.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

const run = promisify(execFile);
const PROCESS = fileURLToPath(new URL("recorder-process.ts", import.meta.url));
const api = { kind: "api", action: "request" } as const;

/** All that the folder's store has, oldest first. */
async function stored(folder: string): Promise<AuditEvent[]> {
  const store = await openStore(`sqlite:${join(folder, "events.db")}`, "read");
  try {
    const events: AuditEvent[] = [];
    let page = await store.query({ where: {}, includeSystem: true, limit: 1000 });
    for (;;) {
      events.push(...page.events);
      if (page.next === null) return events.reverse();
      page = await store.query({ where: {}, includeSystem: true, limit: 1000, after: page.next });
    }
  } finally {
    await store.close();
  }
}

test("what a service tracks is recorded whole, told to its subscribers, and in the store", async () => {
  const folder = tempFolder();
  const recorder = await createRecorder({ folder, profile: "test" });
  const heard: string[] = [];
  const leave = recorder.subscribe(({ action }) => heard.push(action));
  const sum = await recorder.track({ kind: "exec", action: "sum", userId: "ann" }, (event) => {
    event.note({ resourceUsage: { rows: 2 }, metadata: { region: "eu" } });
    return 3;
  });
  const failing = recorder.track({ kind: "file", action: "read" }, () => {
    throw new RangeError("secret words");
  });
  await assert.rejects(failing, RangeError);
  async function* three() {
    yield* [1, 2, 3];
  }
  const seen: number[] = [];
  for await (const n of await recorder.track({ kind: "exec", action: "stream" }, three)) seen.push(n);
  recorder.log({ ...api, durationMs: 12 }, failed("not_found"));
  await recorder.flush();
  leave();
  recorder.log(api, answered(204));
  assert.ok(await recorder.shipped());
  await recorder.close();
  assert.deepEqual([sum, seen], [3, [1, 2, 3]]);
  assert.deepEqual(heard, ["sum", "read", "stream", "request"]);
  const events = await stored(folder);
  const told = events.map((e) => [e.action, e.status, e.status_code, e.error_type, e.error_message]);
  assert.deepEqual(told, [
    ["sum", "success", null, null, null],
    ["read", "error", 500, "RangeError", "The service answered with an error."],
    ["stream", "success", null, null, null],
    ["request", "error", 404, null, "There is no such path, model or server."],
    ["request", "success", 204, null, null],
  ]);
  const [first, , , fourth] = events;
  assert.equal(first?.resource_usage, '{"rows":2}');
  assert.equal(first?.metadata, '{"region":"eu"}');
  assert.deepEqual([first?.user_id, first?.caller, first?.profile], ["ann", "library", "test"]);
  assert.match(first?.trace_id ?? "", /^[0-9a-f]{32}$/);
  assert.equal(fourth?.duration_ms, 12);
});

test("what no event can be is refused with a reason, and a failure never passes for a success", async () => {
  const folder = tempFolder();
  const recorder = await createRecorder({ folder });
  const refused = (work: () => unknown, reason: RegExp) =>
    assert.throws(work, (error) => {
      assert.ok(error instanceof DaybookError, String(error));
      assert.deepEqual([error.code, reason.test(error.message)], ["bad_event", true], error.message);
      return true;
    });
  // Services in JavaScript have no compiler that would tell them.
  const anything = (value: unknown) => value as never;
  const kinds = /kind is none of inference, mcp/;
  refused(() => recorder.begin(anything({ kind: "tool", action: "search" })), kinds);
  refused(() => recorder.begin(anything({ kind: "system", action: "gap" })), kinds);
  refused(() => recorder.log(anything({ action: "search" }), answered()), kinds);
  refused(() => recorder.begin(anything({ kind: "api" })), /action/);
  refused(() => recorder.begin(anything({ kind: "api", action: "two words" })), /action/);
  refused(() => recorder.begin(anything(null)), /no object/);
  for (const outcome of [undefined, null, {}, { status: "error" }, { status: "error", statusCode: 500 }])
    refused(() => recorder.log(api, anything(outcome)), /answered\(\), failed\(\)/);
  refused(() => recorder.log(api, anything({ status: "error", errorCode: "made_up" })), /answered\(\)/);
  await assert.rejects(
    recorder.track(anything({ kind: "tool", action: "search" }), () => 1),
    kinds,
  );
  const event = recorder.begin(api);
  refused(() => event.note(anything({ action: null })), /action/);
  refused(() => event.finish(anything({ status: "error" })), /answered\(\)/);
  event.finish(failedAsSent("tool_error", null));
  recorder.log(api, anything({ status: "success" }));
  await recorder.close();
  const events = await stored(folder);
  const told = events.map((e) => [e.action, e.status, e.status_code, e.error_code]);
  assert.deepEqual(told, [
    ["request", "error", null, "tool_error"],
    ["request", "success", null, null],
  ]);
});

test("an option that is none, or cannot be that, is refused before anything is made", async () => {
  const folder = join(tempFolder(), "never");
  const url = "https://daybook.example";
  for (const [options, reason] of [
    [undefined, /an object of options/],
    [{}, /needs a folder/],
    [{ folder: 5 }, /as folder a text/],
    [{ folder, foo: 1 }, /no option "foo"/],
    [{ folder, toString: 1 }, /no option "toString"/],
    [{ folder, modes: { inference: "strickt" } }, /as modes open or strict/],
    [{ folder, modes: { admin: "open" } }, /as modes open or strict/],
    [{ folder, modes: { tool: "strict" } }, /as modes open or strict/],
    [{ folder, argumentMode: "full" }, /as argumentMode one of redacted/],
    [{ folder, caller: "system" }, /as caller one of library/],
    [{ folder, errorMessages: "yes" }, /as errorMessages/],
    [{ folder, journalMaxMb: "32" }, /as journalMaxMb a whole number/],
    [{ folder, journalMaxMb: 31 }, /32 or more/],
    [{ folder, url }, /url and key only together/],
    [{ folder, url, key: "dbt_x", store: "sqlite:x" }, /a store only without url/],
  ] as const) {
    await assert.rejects(createRecorder(options as never), (error) => {
      assert.ok(error instanceof DaybookError, String(error));
      assert.deepEqual([error.code, reason.test(error.message)], ["bad_option", true], error.message);
      return true;
    });
  }
  assert.ok(!existsSync(folder));
  const recorder = await createRecorder({ folder, modes: { inference: undefined } } as never);
  assert.equal(recorder.begin({ kind: "inference", action: "chat" }).isStrict, false);
  await recorder.close();
});

test("content has no way in: not by name, not by value, not by an outcome of one's own", async () => {
  const folder = tempFolder();
  const recorder = await createRecorder({ folder });
  const refused = (code: string, facts: object) =>
    assert.throws(
      () => recorder.begin({ ...api, ...facts }),
      (error) => error instanceof DaybookError && error.code === code,
    );
  refused("content_refused", { metadata: { prompt: "CANARY" } });
  refused("content_refused", { metadata: { rawOutput: "CANARY" } });
  refused("nested_metadata", { metadata: { about: { deep: "CANARY" } } });
  refused("unknown_field", { inputJson: { city: "CANARY" } });
  refused("unknown_field", { messages: ["CANARY"] });
  refused("unknown_field", { arguments: { city: "CANARY" } });
  refused("bad_event", { kind: "system", action: "gap" });
  recorder.log(api, { ...failed("not_found"), errorMessage: "CANARY" });
  for (const facts of [
    { resourceUsage: { words: "CANARY" } },
    { resourceUsage: { "CANARY said so": 1 } },
    { attempts: [{ provider: "p", code: 200, ms: 1, said: "CANARY" }] },
    { policies: ["the CANARY said"] },
  ])
    recorder.log({ ...api, ...(facts as object) }, answered(null));
  recorder.log(
    { kind: "mcp", action: "tool", arguments: { password: "CANARY", city: "Bern" } },
    answered(null),
  );
  recorder.log(
    {
      kind: "admin",
      action: "changed",
      newValues: { api_key: "CANARY" },
      justification: "key sk-CANARY0123456789abcdefghij",
    },
    answered(null),
  );
  await recorder.close();
  const events = await stored(folder);
  assert.equal(events.length, 7);
  assert.ok(!JSON.stringify(events).includes("CANARY"), JSON.stringify(events));
  assert.equal(
    events.find(({ kind }) => kind === "mcp")?.input_json,
    '{"city":"Bern","password":"[REDACTED]"}',
  );
});

test("messages of errors are kept when asked for, without their secrets", async () => {
  const folder = tempFolder();
  const recorder = await createRecorder({ folder, errorMessages: true });
  const work = () => {
    throw new Error("no such bucket, token Bearer abcdefghijklmnopqrstuvwxyz012345");
  };
  await assert.rejects(recorder.track(api, work));
  await recorder.close();
  assert.equal((await stored(folder))[0]?.error_message, "no such bucket, token Bearer [REDACTED]");
});

test("a process that simply ends has recorded everything, and ends", async () => {
  const folder = tempFolder();
  await run(process.execPath, [PROCESS, folder, "end"]);
  const events = await stored(folder);
  assert.deepEqual(
    events.map(({ name }) => name),
    Array.from({ length: 50 }, (_, n) => `work-${n}`),
  );
});

test("four processes share a folder; killed and started again, nothing recorded is lost or doubled", async () => {
  const folder = tempFolder();
  const durable: string[] = [];
  const kill = async (lines: number) => {
    const child = spawn(process.execPath, [PROCESS, folder, "serve"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let seen = 0;
    for await (const line of createInterface(child.stdout)) {
      durable.push(line);
      if (++seen === lines) child.kill("SIGKILL");
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return child.pid;
  };
  const pids = await Promise.all([40, 60, 80, 100].map(kill));
  const again = await Promise.all([50].map(kill));
  // Whoever comes next looks after all that is left.
  const recorder = await createRecorder({ folder });
  const names = new Set<string>();
  const interrupted = async () => {
    const events = await stored(folder);
    names.clear();
    for (const { name, kind } of events) if (kind === "exec") names.add(name ?? "");
    const all = events.filter(({ kind }) => kind === "exec");
    assert.equal(names.size, all.length, "nothing twice");
    return all.filter(({ error_code, action }) => error_code === "interrupted" && action === "unfinished");
  };
  await until(async () => (await interrupted()).length === 5, 60_000);
  await until(async () => {
    await interrupted();
    return durable.every((name) => names.has(name));
  });
  assert.deepEqual(
    (await interrupted()).map(({ name }) => name?.split("-")[0]).sort(),
    [...pids, ...again].map(String).sort(),
  );
  await recorder.close();
});

test("importing it is light: no server, no driver, no package", async (t) => {
  const script = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    const before = performance.now();
    await import(${JSON.stringify(new URL("../../src/library/index.ts", import.meta.url).href)});
    console.log(JSON.stringify({ loaded, ms: performance.now() - before }));`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script]);
  const { loaded, ms } = JSON.parse(stdout) as { loaded: string[]; ms: number };
  t.diagnostic(`${loaded.length} modules in ${Math.round(ms)} ms`);
  const rooms = new Set(loaded.flatMap((url) => /\/src\/([a-z]+\/(?:sqlite|remote)?)/.exec(url)?.[1] ?? []));
  assert.deepEqual(
    [...rooms].sort(),
    [
      "delivery/",
      "event/",
      "evidence/",
      "journal/",
      "library/",
      "node/",
      "protocols/",
      "recorder/",
      "stores/",
    ].filter((room) => rooms.has(room)),
  );
  const packages = new Set(
    loaded.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []),
  );
  assert.deepEqual([...packages], []);
  assert.ok(loaded.length < 120, `${loaded.length} modules`);
});
