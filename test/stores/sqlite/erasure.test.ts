// What erasure and retention leave in the bytes of the file.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { COLUMN, KINDS, type Kind } from "../../../src/event/fields.ts";
import type { EraseProgress, PruneProgress } from "../../../src/stores/removal.ts";
import { EVENT_COLUMNS } from "../../../src/stores/sqlite/columns.ts";
import { openSqliteStore } from "../../../src/stores/sqlite/open-sqlite-store.ts";
import { NodeLog, START_MS } from "../../support/events.ts";
import { tempFolder } from "../../support/temp.ts";

/** One person's cells, all of them to be recognised; and in long ones, so that they fill pages of their own. */
const zoe = (seq: number) => ({
  user_id: "zoe-CANARY-user",
  session_id: `CANARY-session-${seq % 50}`,
  client_ip: "dead:beef::cafe",
  user_agent: `CANARY agent ${seq % 7}`,
  entity_id: `CANARY-entity-${seq}`,
  metadata: JSON.stringify({ note: `CANARY-${"x".repeat(seq % 4000)}` }),
  input_json: JSON.stringify({ path: `CANARY-${"y".repeat((seq * 7) % 9000)}` }),
  justification: "CANARY because",
});
const CANARIES = ["CANARY", "dead:beef::cafe"];

function bytesOf(file: string): string {
  return ["", "-wal"]
    .map((end) => (existsSync(file + end) ? readFileSync(file + end, "latin1") : ""))
    .join("");
}

test("erased strings are in no byte of the store, and others' are", async () => {
  const file = join(tempFolder(), "events.db");
  const store = await openSqliteStore(file, "write");
  const log = new NodeLog("00000000000000a1");
  for (let batch = 0; batch < 12; batch++)
    await store.append(log.next(250, (seq) => (seq % 3 === 0 ? zoe(seq) : {})));
  for (const canary of CANARIES) assert.ok(bytesOf(file).includes(canary), canary);
  const subject = { userId: "zoe-CANARY-user", pseudonym: "ers_1", holds: [] };
  let erased = 0;
  for (let at: EraseProgress | null | undefined; at !== null; ) {
    const step = await store.erase(subject, at);
    erased += step.events;
    at = step.next;
    await store.append(log.next(1));
  }
  assert.equal(erased, 1000);
  await store.erase(subject, { part: "space", from: 0, isHeld: false });
  const left = bytesOf(file);
  for (const canary of CANARIES) assert.equal(left.includes(canary), false, canary);
  assert.ok(left.includes("Björn") || left.includes(Buffer.from("Björn").toString("latin1")));
  await store.close();
});

test("whoever counted a person before their sums were moved counts the pseudonym afterwards", async () => {
  const file = join(tempFolder(), "events.db");
  const store = await openSqliteStore(file, "write");
  await store.append(new NodeLog("00000000000000a1").next(30, () => ({ user_id: "zoe" })));
  const reader = await openSqliteStore(file, "read");
  const users = async () => {
    const [facet] = await reader.facets({ where: {}, includeSystem: true }, ["user_id"], 10);
    return facet?.values.map(({ value }) => value);
  };
  assert.deepEqual(await users(), ["zoe"]);
  const subject = { userId: "zoe", pseudonym: "ers_1", holds: [] };
  for (let at: EraseProgress | null | undefined; at !== null && at?.part !== "words"; )
    at = (await store.erase(subject, at)).next;
  assert.deepEqual(await users(), ["ers_1"]);
  await reader.close();
  await store.close();
});

test("an erasure after a retention that was broken off among the words leaves nothing of the person", async () => {
  const file = join(tempFolder(), "events.db");
  const store = await openSqliteStore(file, "write");
  const log = new NodeLog("00000000000000a1");
  const days = (from: number) => (seq: number) => ({
    ...zoe(seq),
    kind: "mcp" as const,
    recorded_at: START_MS + (from + (seq % 5)) * 86_400_000,
  });
  await store.append(log.next(100, (seq) => ({ ...days(0)(seq), user_id: "ana", session_id: `old ${seq}` })));
  await store.append(log.next(100, days(50)));
  const keepMs = Object.fromEntries(KINDS.map((kind) => [kind, 30 * 86_400_000])) as Record<Kind, number>;
  const now = START_MS + 60 * 86_400_000;
  const plan = await store.planPrune({ now, keepMs, maxBytes: 0, holds: [] });
  for (let at: PruneProgress | undefined; at?.part !== "words"; )
    at = (await store.prune(plan, at)).next ?? assert.fail("words come before the end");
  await store.prune(plan, { part: "words", at: 0, from: 0 });
  const subject = { userId: "zoe-CANARY-user", pseudonym: "ers_1", holds: [] };
  for (let at: EraseProgress | null | undefined; at !== null; ) at = (await store.erase(subject, at)).next;
  const left = bytesOf(file);
  for (const word of ["CANARY-session", "CANARY agent"]) assert.equal(left.includes(word), false, word);
  await store.close();
});

test("what retention removed leaves nothing of anybody but in sums, and with them nothing", async () => {
  const file = join(tempFolder(), "events.db");
  const store = await openSqliteStore(file, "write");
  const log = new NodeLog("00000000000000a1");
  await store.append(log.next(900, (seq) => ({ ...zoe(seq), kind: "mcp", recorded_at: START_MS + seq })));
  for (const days of [40, 4000]) {
    const keepMs = Object.fromEntries(
      KINDS.map((kind) => [kind, (kind === "admin" ? 365 : 30) * 86_400_000]),
    ) as Record<Kind, number>;
    const now = START_MS + days * 86_400_000;
    const plan = await store.planPrune({ now, keepMs, maxBytes: 0, holds: [] });
    for (let at: PruneProgress | null | undefined; at !== null; ) at = (await store.prune(plan, at)).next;
    await store.erase(
      { userId: "nobody", pseudonym: "ers_1", holds: [] },
      { part: "space", from: 0, isHeld: false },
    );
    await store.checkpoint();
    // What users were charged stays, by design.
    const left = bytesOf(file).replaceAll("zoe-CANARY-user", "");
    for (const canary of CANARIES) assert.equal(left.includes(canary), false, `${canary} after ${days} days`);
  }
  const db = new DatabaseSync(file);
  assert.equal(
    Number(db.prepare("SELECT count(*) AS n FROM actors WHERE user_id LIKE '%CANARY%'").get()?.n),
    0,
  );
  db.close();
  await store.close();
});

test("retention leaves exactly the words that events still have, whenever those came", async () => {
  const file = join(tempFolder(), "events.db");
  const store = await openSqliteStore(file, "write");
  const log = new NodeLog("00000000000000a1");
  const day = 86_400_000;
  // A session is of one event, an agent of many days and both kinds; mcp goes, admin stays.
  const cells = (seq: number) => ({
    kind: seq % 5 === 0 ? ("admin" as const) : ("mcp" as const),
    session_id: `session ${seq}`,
    user_agent: `agent ${seq % 90}`,
    recorded_at: START_MS + Math.floor(seq / 25) * day + (seq % 25),
  });
  await store.append(log.next(1500, cells));
  // More than a step looks at.
  const stay = (seq: number) => ({ ...cells(seq), kind: "admin" as const, recorded_at: START_MS + seq });
  await store.append(log.next(10_500, stay));
  const keepMs = Object.fromEntries(
    KINDS.map((kind) => [kind, (kind === "admin" ? 1000 : 20) * day]),
  ) as Record<Kind, number>;
  let late = 0;
  for (const now of [30.5, 70]) {
    const plan = await store.planPrune({ now: START_MS + now * day, keepMs, maxBytes: 0, holds: [] });
    for (let at: PruneProgress | null | undefined; at !== null; ) {
      at = (await store.prune(plan, at)).next;
      // A clock that is behind: late events of an old day, with words that are about to go, or went.
      if (at?.part !== "words") continue;
      await store.append(log.next(1, () => ({ ...stay(1), session_id: `session ${1 + 5 * late++}` })));
    }
    const { events } = await store.scan(null, 20_000);
    const had = events.flatMap(({ row }) =>
      EVENT_COLUMNS.filter(({ form }) => form === "word").flatMap(({ name }) => {
        const cell = row[COLUMN[name]] ?? null;
        return cell === null ? [] : [`${name}=${cell}`];
      }),
    );
    const db = new DatabaseSync(file, { readOnly: true });
    const words = db.prepare("SELECT field || '=' || value AS word FROM dictionary").all();
    db.close();
    assert.deepEqual(words.map(({ word }) => word).sort(), [...new Set(had)].sort(), `day ${now}`);
    assert.ok(events.length < log.events.length);
  }
  await store.close();
});

test("tables of an older version are brought up to date, with what is in them", async () => {
  const file = join(tempFolder(), "events.db");
  const log = new NodeLog("00000000000000a1");
  const made = await openSqliteStore(file, "write");
  await made.append(log.next(20));
  await made.close();
  const db = new DatabaseSync(file);
  db.exec("DROP TABLE forgotten; ALTER TABLE dictionary DROP COLUMN day; PRAGMA user_version = 4");
  db.close();
  const reader = await openSqliteStore(file, "read");
  assert.equal((await reader.scan(null, 100)).events.length, 20);
  const store = await openSqliteStore(file, "write");
  await store.append(log.next(20));
  assert.equal((await reader.scan(null, 100)).events.at(-1)?.row[COLUMN.seq], 40);
  await store.close();
  await reader.close();
});
