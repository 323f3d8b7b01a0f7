// Retention as it runs: planned, told, carried out, in a real server and by command, and nothing without being told.
import assert from "node:assert/strict";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { test } from "node:test";
import { pruneCommand } from "../../src/cli/prune.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { DaybookError } from "../../src/event/errors.ts";
import { KINDS, type Kind } from "../../src/event/fields.ts";
import type { EventJson } from "../../src/event/json.ts";
import { accountedFor } from "../../src/event/pruned.ts";
import { openOwnNode } from "../../src/node/own-node.ts";
import { ALL_TIME } from "../../src/places/found-event.ts";
import { verifyStore } from "../../src/places/look.ts";
import { openReader } from "../../src/read/reader.ts";
import { Retention, rulesOf } from "../../src/server/retention.ts";
import { openStore } from "../../src/stores/open-store.ts";
import type { PrunePlan, PruneRules } from "../../src/stores/removal.ts";
import { chat, startDaybook } from "../support/daybook.ts";
import { NodeLog } from "../support/events.ts";
import { tempFolder } from "../support/temp.ts";

const OLD_NODE = "00000000000000a1";
const DAY_MS = 86_400_000;
/** Events of the old node, a quarter of a day apart up to now, of kinds in turn. */
const OLD_EVENTS = 400;

/** A data folder whose store has events of a node that is gone. */
async function agedFolder(): Promise<string> {
  const home = tempFolder();
  mkdirSync(home, { recursive: true });
  const store = await openStore(`sqlite:${join(home, "events.db")}`, "write");
  const first = Date.now() - (OLD_EVENTS + 1) * (DAY_MS / 4);
  const cells = (seq: number) => ({
    kind: KINDS[seq % KINDS.length] as Kind,
    recorded_at: first + seq * (DAY_MS / 4),
    justification: "x".repeat(4000),
  });
  await store.append(new NodeLog(OLD_NODE).next(OLD_EVENTS, cells));
  await store.checkpoint();
  await store.close();
  return home;
}

const YAML = "audit: { retention_days: { inference: 30, mcp: 60, file: 30, exec: 30, auth: 365 } }\n";

function kindsOf({ metadata }: EventJson): Record<string, number | string> {
  return JSON.parse(String(metadata)) as Record<string, number | string>;
}

test("a server tells what it removes before it is gone, and gives the disk back", async (t) => {
  const home = await agedFolder();
  const daybook = await startDaybook(t, { home, yaml: YAML });
  const before = await daybook.events("include=system");
  const size = statSync(join(home, "events.db")).size;
  const plan = await daybook.server.retention.run();
  const [range, ...others] = plan.ranges;
  assert.deepEqual(others, []);
  const after = await daybook.events("include=system");
  const kept = new Set(after.map(({ event_id }) => event_id));
  const gone = before.filter(({ event_id }) => !kept.has(event_id));
  const counts = Object.fromEntries(
    KINDS.flatMap((kind) => {
      const events = gone.filter((event) => event.kind === kind).length;
      return events === 0 ? [] : [[kind, events]];
    }),
  );
  assert.ok(gone.length > 50 && !("auth" in counts) && (counts.mcp ?? 0) < (counts.exec ?? 0), "by age");
  const seqs = gone.map(({ seq }) => seq);
  const [fromSeq, toSeq] = [Math.min(...seqs), Math.max(...seqs)];
  assert.deepEqual(range, { nodeId: OLD_NODE, fromSeq, toSeq, kinds: counts, held: 0 });
  const told = after.filter(({ action }) => action === "pruned").map(kindsOf);
  const times = Object.fromEntries(
    Object.keys(counts).map((kind) => [`${kind}_before`, plan.before[kind as Kind]]),
  );
  const said = { node: OLD_NODE, from_seq: fromSeq, to_seq: toSeq, because: "age", ...counts, ...times };
  assert.deepEqual(told, [said]);
  assert.deepEqual((await daybook.server.retention.run()).ranges, [], "nothing is left to do");
  await daybook.server.close();
  assert.ok(statSync(join(home, "events.db")).size < size * 0.8, "the file is smaller");
});

test("the store has what tells of a removal, under a checkpoint, before anything is gone from it", async (t) => {
  const daybook = await startDaybook(t, { home: await agedFolder(), yaml: YAML });
  await daybook.server.retention.run();
  const store = await openStore(`sqlite:${join(daybook.home, "events.db")}`, "read");
  const logs = await store.seals();
  const { events } = await store.query({ where: { action: ["pruned"] }, includeSystem: true, limit: 10 });
  await store.close();
  const sealed = logs.find(({ nodeId }) => nodeId === daybook.server.nodeId)?.checkpoints.at(-1)?.size ?? 0;
  assert.deepEqual(
    events.map(({ seq }) => seq <= sealed),
    [true],
  );
});

test("events arrive in the store while retention runs", async (t) => {
  const home = await agedFolder();
  const daybook = await startDaybook(t, { home, yaml: YAML });
  const [plan] = await Promise.all([
    daybook.server.retention.run(),
    ...Array.from({ length: 20 }, () => chat(daybook.url)),
  ]);
  assert.ok(plan.ranges.length > 0);
  const events = await daybook.events("kind=inference&since=5m");
  assert.equal(events.length, 20);
});

test("a dry run says what a run then removes, and changes nothing", async () => {
  const home = await agedFolder();
  const now = Date.now();
  const run = async (...flags: string[]) => {
    let text = "";
    const out = new Writable({
      write(chunk, _, done) {
        text += String(chunk);
        done();
      },
    });
    const env = { DAYBOOK_HOME: home };
    const command = pruneCommand({ env, cwd: home, homedir: home, out, now: () => now });
    await command.parseAsync(["--json", ...flags], { from: "user" });
    return JSON.parse(text) as { dry_run: boolean; events: number; nodes: unknown[] };
  };
  const count = async () => {
    const store = await openStore(`sqlite:${join(home, "events.db")}`, "read");
    const { events } = await store.query({
      where: { node_id: [OLD_NODE] },
      includeSystem: true,
      limit: 1000,
    });
    await store.close();
    return events.length;
  };
  const dry = await run("--dry-run");
  assert.equal(dry.dry_run, true);
  assert.ok(dry.events > 50);
  assert.equal(await count(), OLD_EVENTS);
  assert.deepEqual(await run(), { ...dry, dry_run: false });
  assert.equal(await count(), OLD_EVENTS - dry.events);
  assert.deepEqual(
    { ...(await run("--dry-run")), before: null },
    {
      dry_run: true,
      events: 0,
      because: "age",
      before: null,
      nodes: [],
    },
  );
});

const PLAN: PrunePlan = {
  before: Object.fromEntries(KINDS.map((kind) => [kind, 1])) as Record<Kind, number>,
  capped: true,
  holds: [],
  told: [],
  ranges: [
    { nodeId: OLD_NODE, fromSeq: 3, toSeq: 9, kinds: { mcp: 2 }, held: 0 },
    { nodeId: "00000000000000b2", fromSeq: 1, toSeq: 1, kinds: { file: 1 }, held: 0 },
  ],
};

test("nothing goes that could not be told, or sealed", async () => {
  // The last: all is told, and cannot be sealed.
  for (const lost of [0, 1, 2]) {
    let pruned = false;
    let told = 0;
    const retention = new Retention({
      rules: () => rulesOf((CONFIG ?? assert.fail()).audit, 0, []),
      reader: { planPrune: async () => PLAN },
      recorder: { system: async () => told++ !== lost },
      delivery: {
        prune: async () => {
          pruned = true;
          return 3;
        },
        caughtUp: async () => true,
      },
      sealed: async () => lost !== 2,
      report: () => {},
    });
    await assert.rejects(retention.run(), { code: "audit_unavailable" });
    assert.equal(told, 2);
    assert.equal(pruned, false);
  }
});

test("a legal hold that begins between the plan and the removal is planned with before anything goes", async () => {
  const zoe = { where: { user_id: ["zoe"] } };
  const held: PruneRules["holds"][number][] = [];
  const planned: number[] = [];
  const pruned: PrunePlan[] = [];
  const retention = new Retention({
    rules: () => rulesOf((CONFIG ?? assert.fail()).audit, 0, [...held]),
    reader: {
      planPrune: async ({ holds }) => {
        planned.push(holds.length);
        return { ...PLAN, holds: structuredClone(holds) };
      },
    },
    recorder: { system: async () => true },
    delivery: { prune: async (plan) => pruned.push(plan), caughtUp: async () => true },
    sealed: async () => {
      if (held.length === 0) held.push(zoe);
      return true;
    },
    report: () => {},
  });
  await retention.run();
  assert.deepEqual(planned, [0, 1]);
  assert.deepEqual(
    pruned.map(({ holds }) => holds),
    [[zoe]],
  );
});

const QUESTION = {
  range: ALL_TIME,
  trusted: null,
  anchors: new Map(),
  counting: () => ({ add() {}, stop() {} }),
};

test("of what was said to go and did not, nobody else can make use: the next run takes it back", async () => {
  const home = await agedFolder();
  const config = await loadConfig({ env: { DAYBOOK_HOME: home }, cwd: home, homedir: home, flags: {} });
  const held: PruneRules["holds"][number][] = [];
  const reader = await openReader(config.store, { lazy: true });
  await using node = await openOwnNode(config);
  const { recorder, delivery } = node;
  const run = (broken: "never" | "sealed" | "first step") =>
    new Retention({
      rules: () => rulesOf(config.audit, Date.now(), [...held]),
      reader,
      recorder,
      delivery: {
        caughtUp: (ms) => delivery.caughtUp(ms),
        prune: async (plan) => {
          if (broken === "first step") throw new DaybookError("worker_failed", "halted");
          return delivery.prune(plan);
        },
      },
      sealed: async () => {
        const isSealed = await node.sealed();
        if (broken === "sealed" && held.length === 0) held.push({ where: { kind: ["mcp", "file"] } });
        return isSealed;
      },
      report: () => {},
    }).run();
  const look = async () => {
    const reports = await verifyStore(config.store, QUESTION);
    const { state, pruned } = reports.find(({ nodeId }) => nodeId === OLD_NODE) ?? assert.fail();
    return { state, pruned };
  };
  const gone = async () => {
    const store = await openStore(config.store, "read");
    const { told } = await store.planPrune(rulesOf(config.audit, 0, []));
    await store.close();
    return accountedFor(told.filter(({ nodeId }) => nodeId === OLD_NODE));
  };
  await run("sealed");
  const { state, pruned } = await look();
  assert.ok(pruned > 20, `${pruned}`);
  assert.equal(await gone(), pruned, state);
  held.length = 0;
  await assert.rejects(run("first step"), { code: "worker_failed" });
  const said = await gone();
  assert.ok(said > pruned, "said, and not done yet");
  held.push({ where: {} });
  await run("never");
  assert.equal(await gone(), pruned, "nothing went, and that is said");
  held.length = 0;
  await run("never");
  assert.deepEqual([await gone(), (await look()).pruned], [said, said]);
  await reader.close();
});

const home = tempFolder();
const CONFIG = await loadConfig({ env: { DAYBOOK_HOME: home }, cwd: home, homedir: home, flags: {} });

test("how long events are kept, and where exports may go, is told to whoever reads the trail", async (t) => {
  const yaml = `audit: { retention_days: { mcp: 7 }, max_mb: 50 }\nexport_targets: [{ name: vault, folder: ${tempFolder()} }]\n`;
  const { ask } = await startDaybook(t, { yaml });
  const made = await ask("/admin/tokens", { method: "POST", body: { name: "a", role: "auditor" } });
  const { secret: token } = made.json as { secret: string };
  const kept = (await ask("/admin/retention", { token })).json as {
    readonly kinds: readonly Record<string, unknown>[];
    readonly max_mb: number;
  };
  assert.deepEqual([kept.max_mb, kept.kinds.length], [50, KINDS.length]);
  assert.deepEqual(
    kept.kinds.find(({ kind }) => kind === "mcp"),
    { kind: "mcp", days: 7, mode: "open" },
  );
  assert.deepEqual((await ask("/admin/export-targets", { token })).json, [{ name: "vault" }]);
});
