// What is handed to Prometheus and Grafana: well formed, and of metrics that there are.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import * as z from "zod";
import { chat, startDaybook } from "../support/daybook.ts";

const place = (name: string) => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));
const ALERTS = place("prometheus/alerts.yaml");

const RULES = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Daybook[A-Za-z]+$/),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+[smh]$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(["warning", "critical"]) }),
          annotations: z.strictObject({ summary: z.string(), description: z.string() }),
        }),
      ),
    }),
  ),
});

const DASHBOARD = z.object({
  uid: z.string(),
  schemaVersion: z.number(),
  templating: z.object({ list: z.array(z.object({ name: z.string(), query: z.string() })) }),
  panels: z.array(
    z.object({
      id: z.number(),
      type: z.enum(["row", "stat", "timeseries"]),
      title: z.string(),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z.array(z.object({ refId: z.string(), expr: z.string() })).optional(),
    }),
  ),
});

const rules = () => RULES.parse(parse(readFileSync(ALERTS, "utf8"))).groups.flatMap(({ rules }) => rules);
const dashboard = () => DASHBOARD.parse(JSON.parse(readFileSync(place("grafana/daybook.json"), "utf8")));

test("every metric that an alert or a panel asks for is one that Daybook tells, with its labels", async (t) => {
  const daybook = await startDaybook(t);
  await chat(daybook.url);
  await daybook.settle();
  const { text } = await daybook.get("/metrics");
  const told = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name as string));
  const asked = [
    ...rules().map(({ expr }) => expr),
    ...dashboard().panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...dashboard().templating.list.map(({ query }) => query),
  ].flatMap((expr) => [...expr.matchAll(/daybook_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, "")));
  assert.ok(asked.length > 20);
  assert.deepEqual(
    [...new Set(asked)].filter((name) => !told.has(name)),
    [],
  );
  for (const [line, type] of text.matchAll(/^# TYPE daybook_(?!nodejs|process)\S+ (\w+)/gm))
    assert.equal(/_total /.test(line), type === "counter", line);
});

test("panels have ids of their own and do not overlap", () => {
  const { panels } = dashboard();
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
  );
  assert.equal(new Set(cells).size, cells.length);
});

test("L23, L28: counters carry structured labels, and never a user or a key", async (t) => {
  const daybook = await startDaybook(t);
  await chat(daybook.url);
  await chat(daybook.url, { simulate: { status: 500 } });
  await daybook.settle();
  const { text } = await daybook.get("/metrics");
  assert.match(text, /^daybook_events_total\{kind="inference",action="chat",status="success"\} 1$/m);
  assert.match(text, /^daybook_failures_total\{kind="inference",error_code="[a-z_]+"\} 1$/m);
  assert.match(text, /^daybook_request_duration_seconds_count\{endpoint="\/v1\/chat\/completions"\} 2$/m);
  const [event] = await daybook.events("kind=inference");
  assert.ok(event?.api_key_id);
  assert.ok(!text.includes(event.api_key_id));
  const labels = new Set([...text.matchAll(/[{,]([a-z_]+)="/g)].map(([, name]) => name));
  for (const name of ["user_id", "user", "api_key_id", "key", "model", "session_id", "client_ip"])
    assert.ok(!labels.has(name), name);
});

test("what Daybook adds, what was exported and what retention removed are counted", async (t) => {
  const daybook = await startDaybook(t);
  await chat(daybook.url);
  await daybook.settle();
  await daybook.get("/admin/audit-logs/export?format=csv&kind=inference");
  const { recorder } = daybook.server;
  await recorder.system("pruned", {
    node: "n",
    from_seq: 1,
    to_seq: 5,
    because: "age",
    inference: 3,
    mcp: 2,
  });
  await daybook.settle();
  const { text } = await daybook.get("/metrics");
  assert.match(text, /^daybook_overhead_seconds_count 1$/m);
  assert.match(text, /^daybook_exports_total\{format="csv",status="success"\} 1$/m);
  assert.match(text, /^daybook_exported_events_total\{format="csv"\} 1$/m);
  assert.match(text, /^daybook_retention_removed_events_total\{kind="inference",because="age"\} 3$/m);
  assert.match(text, /^daybook_retention_removed_events_total\{kind="mcp",because="age"\} 2$/m);
  assert.match(text, /^daybook_retention_failures_total 0$/m);
});

const withoutPromtool =
  spawnSync("promtool", ["--version"]).error === undefined ? false : "promtool is not installed";

test("Prometheus itself accepts the rules", { skip: withoutPromtool }, () => {
  assert.match(execFileSync("promtool", ["check", "rules", ALERTS], { encoding: "utf8" }), /SUCCESS/);
});
