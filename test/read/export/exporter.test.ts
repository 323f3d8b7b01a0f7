// Exports of real stores: what every format gives back, of which moment, from where, and at whose pace.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { type AuditEvent, eventOf, FIELDS } from "../../../src/event/fields.ts";
import type { EventFilter } from "../../../src/query/filter.ts";
import { type ExportChunk, Exporter, type ExportOrder } from "../../../src/read/export/exporter.ts";
import { COMPRESSIONS, FORMAT_NAMES, formOfName } from "../../../src/read/export/formats.ts";
import { openStore } from "../../../src/stores/open-store.ts";
import { select } from "../../conformance/model.ts";
import { NodeLog } from "../../support/events.ts";
import { tempFolder } from "../../support/temp.ts";
import { csvCells, duckDb, READERS } from "./readers.ts";

const ALL: EventFilter = { where: {}, includeSystem: true };
const ORDER: ExportOrder = { format: "jsonl", compression: "none", filter: ALL };

/** A store with events of two nodes, to which more can be added. */
async function filled(...counts: number[]) {
  const address = `sqlite:${join(tempFolder(), "events.db")}`;
  const store = await openStore(address, "write");
  const logs = counts.map((_, node) => new NodeLog(node.toString(16).padStart(16, "0")));
  const add = async (node: number, count: number) => {
    if (count > 0)
      assert.deepEqual(await store.append((logs[node] as NodeLog).next(count)), { result: "appended" });
  };
  for (const [node, count] of counts.entries()) await add(node, count);
  const events = (): AuditEvent[] => logs.flatMap(({ events }) => events.map(({ row }) => eventOf(row)));
  const exporter = new Exporter(address);
  return {
    add,
    events,
    exporter,
    async [Symbol.asyncDispose]() {
      await exporter.close();
      await store.close();
    },
  };
}

async function take(exporter: Exporter, order: Partial<ExportOrder>) {
  const running = exporter.start({ ...ORDER, ...order });
  const chunks: ExportChunk[] = [];
  for await (const chunk of running) chunks.push(chunk);
  const bytes = Buffer.concat(chunks.map(({ bytes }) => bytes));
  return { chunks, bytes, summary: running.summary ?? assert.fail("no summary") };
}

test("every format gives back every field of every event, by somebody else's reader", async (t) => {
  await using store = await filled(500, 200);
  const expected = select(store.events(), ALL);
  for (const format of FORMAT_NAMES) {
    await t.test(format, async () => {
      const { bytes, summary } = await take(store.exporter, { format });
      const events = await READERS[format](bytes);
      assert.equal(events.length, expected.length);
      for (const [at, event] of events.entries()) assert.deepEqual(event, expected[at]);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const asOf = { "0000000000000000": 500, "0000000000000001": 200 };
      assert.deepEqual(summary, { rows: 700, bytes: bytes.length, sha256, asOf });
    });
  }
});

test("sums are the same for a CSV reader, for DuckDB, and in the events", async () => {
  await using store = await filled(600);
  const sumOf = (name: "cost_micros" | "total_tokens" | "count") =>
    store.events().reduce((sum, event) => sum + (event[name] ?? 0), 0);
  const expected = [600, sumOf("count"), sumOf("total_tokens"), sumOf("cost_micros")];
  const { bytes: parquet } = await take(store.exporter, { format: "parquet" });
  const sql =
    "SELECT count(*) AS events, sum(count) AS requests, sum(total_tokens) AS tokens, sum(cost_micros) AS cost FROM FILE";
  assert.deepEqual(Object.values((await duckDb(parquet, sql))[0] ?? {}).map(Number), expected);
  const { bytes: csv } = await take(store.exporter, { format: "csv" });
  const [head = [], ...rows] = csvCells(csv.toString());
  const column = (name: string) => {
    const at = head.findIndex(({ cell }) => cell === name);
    return rows.reduce((sum, row) => sum + Number(row[at]?.cell), 0);
  };
  assert.deepEqual([rows.length, column("count"), column("total_tokens"), column("cost_micros")], expected);
});

test("a filtered export has what the filter lets through, and nothing of kind system unless asked", async () => {
  await using store = await filled(900);
  const filter: EventFilter = { where: { status: ["error"], user_id: ["ana", null] } };
  const { bytes } = await take(store.exporter, { filter });
  assert.deepEqual(await READERS.jsonl(bytes), select(store.events(), filter));
});

test("both ends of a stretch of time belong to its export, and where one ends the next begins", async () => {
  await using store = await filled(90);
  const times = [...new Set(store.events().map(({ recorded_at: at }) => at))].sort((a, b) => a - b);
  const [from = 0, middle = 0, to = 0] = [times[5], times[15], times[25]];
  const idsIn = async (since: number, until: number) => {
    const { bytes } = await take(store.exporter, { filter: { where: {}, since, until }, partRows: 7 });
    return (await READERS.jsonl(bytes)).map(({ event_id: id }) => id);
  };
  const right = select(store.events(), { where: {}, since: from, until: to }).map(({ event_id: id }) => id);
  assert.ok(right.length === 3 * 21);
  assert.deepEqual(await idsIn(from, to), right);
  assert.deepEqual([...(await idsIn(middle, to)), ...(await idsIn(from, middle - 1))], right);
});

test("an export is of one moment, whatever arrives while it runs", async () => {
  await using store = await filled(300, 10);
  const before = select(store.events(), ALL);
  const running = store.exporter.start({ ...ORDER, format: "csv", partRows: 20 });
  const bytes: Uint8Array[] = [];
  for await (const chunk of running) {
    bytes.push(chunk.bytes);
    await store.add(0, 50);
    await store.add(1, 50);
  }
  assert.ok(bytes.length > 1);
  assert.deepEqual(await READERS.csv(Buffer.concat(bytes)), before);
});

test("what an export as of an earlier one did not have, and nothing else", async () => {
  await using store = await filled(40, 0);
  const first = await take(store.exporter, {});
  await store.add(0, 5);
  await store.add(1, 7);
  const { bytes } = await take(store.exporter, { beyond: first.summary.asOf });
  const known = new Set((await READERS.jsonl(first.bytes)).map(({ event_id }) => event_id));
  const later = select(store.events(), ALL).filter(({ event_id }) => !known.has(event_id));
  assert.equal(later.length, 12);
  assert.deepEqual(await READERS.jsonl(bytes), later);
});

test("an export that stopped after any chunk goes on to the same bytes", async (t) => {
  await using store = await filled(310);
  for (const format of FORMAT_NAMES) {
    await t.test(format, async () => {
      const whole = await take(store.exporter, { format, partRows: 100 });
      assert.equal(whole.chunks.length, 4);
      const middle = whole.chunks[Math.floor((whole.chunks.length - 1) / 2)] as ExportChunk;
      const kept = whole.bytes.subarray(0, middle.point.bytes);
      const from = JSON.parse(JSON.stringify(middle.point)) as typeof middle.point;
      await store.add(0, 1);
      const rest = await take(store.exporter, { format, from, partRows: 100 });
      assert.equal(Buffer.compare(Buffer.concat([kept, rest.bytes]), whole.bytes), 0);
      assert.equal(rest.summary.rows, whole.summary.rows);
    });
  }
});

test("compressed exports hold the same bytes", async () => {
  await using store = await filled(400);
  const { bytes } = await take(store.exporter, { format: "csv" });
  const gzip = await take(store.exporter, { format: "csv", compression: "gzip", partRows: 150 });
  const zstd = await take(store.exporter, { format: "csv", compression: "zstd", partRows: 150 });
  assert.ok(gunzipSync(gzip.bytes).equals(bytes));
  assert.ok(zstdDecompressSync(zstd.bytes).equals(bytes));
});

test("an export of nothing has its header", async () => {
  await using store = await filled(0);
  const { bytes, summary } = await take(store.exporter, { format: "csv" });
  const text = bytes.toString();
  assert.ok(
    text.startsWith("timestamp,request_id,model,backend_type,endpoint,duration_ms,status,prompt_tokens,"),
  );
  assert.equal(text.split("\r\n").length, 2);
  assert.equal(text.split(",").length, FIELDS.length);
  assert.equal(summary.rows, 0);
  assert.equal((await take(store.exporter, { format: "json" })).bytes.toString(), "[]\n");
  assert.equal((await take(store.exporter, {})).bytes.length, 0);
  assert.deepEqual(await READERS.parquet((await take(store.exporter, { format: "parquet" })).bytes), []);
});

test("whoever stops taking ends the thread, and a few run at a time", async () => {
  await using store = await filled(300);
  const running = Array.from({ length: 4 }, () => store.exporter.start({ ...ORDER, partRows: 20 }));
  assert.throws(() => store.exporter.start(ORDER), { code: "overloaded" });
  for (const one of running)
    for await (const { point } of one) {
      assert.equal(point.rows, 20);
      break;
    }
  assert.equal(store.exporter.running, 0);
  await take(store.exporter, {});
});

test("L10: the whole result is in memory before anybody takes it", async () => {
  const folder = tempFolder();
  const address = `sqlite:${join(folder, "events.db")}`;
  const store = await openStore(address, "write");
  await store.append(new NodeLog("00000000000000a1").next(300));
  const exporter = new Exporter(address);
  const running = exporter.start({ ...ORDER, partRows: 10 });
  let rows = 0;
  for await (const { point } of running) {
    rows = point.rows;
    if (rows > 10) continue;
    // Time for another to be made whole; then what was not read yet is not there any more.
    await take(exporter, { format: "csv" });
    const db = new DatabaseSync(join(folder, "events.db"));
    db.exec("DELETE FROM events");
    db.close();
  }
  await exporter.close();
  await store.close();
  assert.ok(rows >= 10 && rows <= 80, `${rows} events were read ahead`);
});

test("a store that cannot be read fails the export, not the process", async () => {
  const exporter = new Exporter(`sqlite:${join(tempFolder(), "nothing-here", "events.db")}`);
  await assert.rejects(take(exporter, {}), { code: "store_unusable" });
});

test("a file's name says its format and its compression", () => {
  assert.deepEqual(formOfName("archive-2024.csv"), { format: "csv", compression: "none" });
  assert.deepEqual(formOfName("a.JSONL.zst"), { format: "jsonl", compression: "zstd" });
  assert.deepEqual(formOfName("a.ocsf.jsonl.gz"), { format: "ocsf", compression: "gzip" });
  assert.equal(formOfName("notes.txt"), null);
  assert.equal(COMPRESSIONS.length, 3);
});
