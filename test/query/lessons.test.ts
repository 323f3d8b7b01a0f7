// What went wrong in the audit trails before this one, each told by its test.
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { Registry } from "prom-client";
import { eventOf, FIELDS, type FieldSpec } from "../../src/event/fields.ts";
import type { EventJson } from "../../src/event/json.ts";
import { eventJson } from "../../src/event/json.ts";
import { failed } from "../../src/event/outcomes.ts";
import { FORMAT_NAMES, FORMATS } from "../../src/read/export/formats.ts";
import { countEvents } from "../../src/server/event-metrics.ts";
import { openStore } from "../../src/stores/open-store.ts";
import type { Source } from "../../src/stores/sqlite/collect.ts";
import { facets } from "../../src/stores/sqlite/facets.ts";
import { openSqliteStore } from "../../src/stores/sqlite/open-sqlite-store.ts";
import type { SqliteStore } from "../../src/stores/sqlite/sqlite-store.ts";
import { stats } from "../../src/stores/sqlite/stats.ts";
import { type Answer, serveApi } from "../api/served-api.ts";
import { runLog } from "../cli/screen.ts";
import { READERS } from "../read/export/readers.ts";
import { makeTrail, START } from "../read/trail.ts";
import { makeEvents, NodeLog } from "../support/events.ts";
import { tempFolder } from "../support/temp.ts";

const names = ({ json }: Answer) => (json as EventJson[]).map(({ name }) => name);

test("L9: pages by offset shift while rows arrive, and rows show twice or never", async () => {
  await using api = await serveApi(Array.from({ length: 9 }, (_, index) => ({ name: `n${index}` })));
  const seen: (string | null)[] = [];
  for (let path: string | undefined = "/admin/audit-logs?limit=2"; path !== undefined; ) {
    const answer: Answer = await api.ask(path);
    seen.push(...names(answer));
    await api.trail.append({ name: "late" }, { name: "later" });
    path = /^<([^>]*)>; rel="next"/.exec(String(answer.headers.link ?? ""))?.[1];
  }
  assert.deepEqual(seen, ["n8", "n7", "n6", "n5", "n4", "n3", "n2", "n1", "n0"]);
});

test("L9: rows that come late push others onto the next page, or come up among those that were read", async () => {
  await using api = await serveApi(Array.from({ length: 6 }, (_, index) => ({ name: `n${index}` })));
  const store = await openStore(api.trail.address, "write");
  const late = new NodeLog("00000000000000b2");
  const seen: (string | null)[] = [];
  for (let path: string | undefined = "/admin/audit-logs?limit=2"; path !== undefined; ) {
    const answer: Answer = await api.ask(path);
    seen.push(...names(answer));
    // From another node, whose events of that time are only here now.
    await store.append(late.next(3, (seq) => ({ name: "late", recorded_at: START + seq * 400 })));
    path = /^<([^>]*)>; rel="next"/.exec(String(answer.headers.link ?? ""))?.[1];
  }
  await store.close();
  assert.deepEqual(seen, ["n5", "n4", "n3", "n2", "n1", "n0"]);
});

test("L15: since compared with local time, or text with dates, finds nothing or too much", async () => {
  await using trail = await makeTrail({ name: "old" }, { name: "new" });
  const before = process.env.TZ;
  try {
    for (const zone of ["America/New_York", "Asia/Kolkata"]) {
      process.env.TZ = zone;
      for (const since of ["59s", "2026-01-31T12:00:01Z", "2026-01-31T17:30:01+05:30"]) {
        const { out } = await runLog(["--json", "--since", since], { env: { DAYBOOK_HOME: trail.folder } });
        const lines = out.trim().split("\n");
        assert.deepEqual(
          lines.map((line) => JSON.parse(line).name),
          ["new"],
          `${since} in ${zone}`,
        );
      }
      await assert.rejects(runLog(["--since", "2026-01-31T12:00:01"]), { code: "bad_query" });
    }
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
});

test("L16: an exporter with columns of its own misses some, and guesses their types from the first row", async () => {
  const events = makeEvents({
    nodeId: "0123456789abcdef",
    count: 3,
    cells: (seq) => {
      if (seq > 1)
        return seq === 2 ? Object.fromEntries(FIELDS.map(({ name, type }) => [name, FULL[type]])) : {};
      return Object.fromEntries(
        FIELDS.filter((field: FieldSpec) => !field.required).map(({ name }) => [name, null]),
      );
    },
  }).map(({ row }) => eventOf(row));
  for (const format of FORMAT_NAMES) {
    const encoder = FORMATS[format].open(null);
    const parts = [
      encoder.head(),
      encoder.rows(
        events.map((event) => Object.values(event)),
        null,
      ),
      encoder.end(),
    ];
    const read = await READERS[format](Buffer.concat(parts.map((part) => Buffer.from(part))));
    assert.deepEqual(read, events, format);
  }
});

/** A cell of each type that can be told from all others. */
const FULL = { string: "1", json: "{}", integer: 1, boolean: true } as const;

test("L17: one way to an event shows fields that another drops", async () => {
  await using api = await serveApi([
    {
      kind: "mcp",
      action: "tool",
      name: "read",
      inputJson: { a: 1 },
      policyReason: "why",
      metadata: { b: 2 },
    },
  ]);
  const store = await openStore(api.trail.address, "read");
  const [event] = (await store.query({ where: {}, limit: 1 })).events;
  await store.close();
  assert.ok(event);
  const whole = eventJson(event);
  assert.deepEqual((await api.ask("/admin/audit-logs")).json, [whole]);
  assert.deepEqual((await api.ask(`/api/system/audit-logs/${event.event_id}`)).json, whole);
  const { out } = await runLog(["--json"], { env: { DAYBOOK_HOME: api.trail.folder } });
  assert.deepEqual(JSON.parse(out), whole);
});

test("L18: a decision of n/a is accepted and ignored", async () => {
  await using api = await serveApi([{ name: "a" }, { name: "b", policyDecision: "deny" }]);
  assert.deepEqual(names(await api.ask("/admin/audit-logs?policy=n/a")), ["a"]);
  assert.deepEqual(names(await api.ask("/admin/audit-logs?policy=denied")), ["b"]);
});

test("L18: asking for a tool finds prompts and resources of its name too", async () => {
  await using api = await serveApi([
    { kind: "mcp", action: "tool", name: "x", userId: "of the tool" },
    { kind: "mcp", action: "prompt", name: "x" },
    { name: "x" },
  ]);
  const { json } = await api.ask("/admin/audit-logs?tool=x");
  assert.deepEqual(
    (json as EventJson[]).map(({ user_id }) => user_id),
    ["of the tool"],
  );
});

test("L18: a name with quotes in it becomes SQL", async () => {
  const name = `x' OR "1"="1'; DROP TABLE events; --`;
  await using api = await serveApi([{ name }, { name: "y" }]);
  const asked = (value: string) => api.ask(`/admin/audit-logs?${new URLSearchParams({ name: value })}`);
  assert.deepEqual(names(await asked(name)), [name]);
  assert.deepEqual(names(await asked("*' OR *")), [name]);
  assert.deepEqual(names(await api.ask(`/admin/audit-logs?${new URLSearchParams({ text: "%_'" })}`)), []);
});

test("L18: what cannot be read is shown as no records", async () => {
  const folder = tempFolder();
  new DatabaseSync(`${folder}/events.db`).exec("CREATE TABLE other (a)");
  await assert.rejects(runLog([], { env: { DAYBOOK_HOME: folder } }), { code: "store_unusable" });
});

test("L18: an export ignores the limit that it is given", async () => {
  await using trail = await makeTrail({}, {});
  const file = `${tempFolder()}/events.csv`;
  const asked = runLog(["--export", file, "--limit", "1"], { env: { DAYBOOK_HOME: trail.folder } });
  await assert.rejects(asked, { code: "bad_argument", message: /--limit/ });
});

test("L19: sums read every record there is", async () => {
  const file = `${tempFolder()}/events.db`;
  const store = (await openSqliteStore(file, "write")) as SqliteStore;
  await store.append(new NodeLog("00000000000000a1").next(500));
  const read: string[] = [];
  const { source } = store;
  const watched: Source = {
    ...source,
    each: (sql, params) => {
      read.push(sql);
      return source.each(sql, params);
    },
  };
  for (const where of [{}, { status: ["error"] }, { kind: ["mcp"], model: [{ glob: "gpt-*" }] }]) {
    assert.ok(stats(watched, { where }).totalRequests > 0);
    assert.ok(facets(watched, { where }, ["model", "action"], 5).every(({ exact }) => exact));
  }
  assert.deepEqual(
    read.filter((sql) => /FROM events/.test(sql)),
    [],
  );
  assert.ok(read.length > 0);
  await store.close();
});

test("L23: counters by user and action are told apart by where an underscore stands", async () => {
  await using api = await serveApi(
    [
      { userId: "ana_file", kind: "file", action: "read" },
      { userId: "ana", kind: "file", action: "file_read", outcome: failed("timeout") },
    ],
    { now: () => START + 60_000 },
  );
  const { json } = await api.ask("/admin/audit-logs/metrics?since=1h");
  const { actions_by_user: users, failures_by_type: types } = json as Record<string, object[]>;
  assert.deepEqual(users, [
    { user_id: "ana", requests: 1, per_hour: 1 },
    { user_id: "ana_file", requests: 1, per_hour: 1 },
  ]);
  assert.deepEqual(types, [
    { kind: "file", action: "file_read", requests: 1, failed: 1, failure_rate: 1 },
    { kind: "file", action: "read", requests: 1, failed: 0, failure_rate: 0 },
  ]);
});

test("L24: an average over days forgets how many there were", async () => {
  const endpoint = "/v1/chat/completions";
  await using api = await serveApi([], { now: () => START + 60_000 });
  // One after the other, by nobody: each adds to sums that are there.
  for (const durationMs of [100, 300, 300, 500]) await api.trail.append({ endpoint, durationMs });
  const { json } = await api.ask("/admin/audit-logs/metrics");
  const [{ mean_ms: mean, requests }] = (
    json as { response_time_by_endpoint: [{ mean_ms: number; requests: number }] }
  ).response_time_by_endpoint;
  assert.equal(requests, 4);
  assert.ok(Math.abs(mean - 300) <= 15, String(mean));
});

test("L28: a user in the labels of a metric makes a series for each of them", async () => {
  const seriesOf = async (users: number) => {
    const registry = new Registry();
    const count = countEvents(registry);
    for (let user = 0; user < users; user++) {
      const cells = {
        user_id: `user-${user}`,
        api_key_id: `key-${user}`,
        session_id: `s-${user}`,
        client_ip: `10.0.0.${user}`,
      };
      for (const outcome of [{ status: "success" }, { status: "error", error_code: "timeout" }] as const) {
        const only = { ...cells, ...outcome };
        const [event] = makeEvents({ nodeId: "0123456789abcdef", count: 1, cells: () => only });
        count(event?.row ?? []);
      }
    }
    const text = await registry.metrics();
    assert.ok(!/user-|key-|s-0|10\.0\.0/.test(text));
    return text.split("\n").length;
  };
  assert.equal(await seriesOf(300), await seriesOf(1));
});
