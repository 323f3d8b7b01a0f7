import assert from "node:assert/strict";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { proofCommand } from "../../src/cli/proof.ts";
import { verifyCommand } from "../../src/cli/verify.ts";
import { encodeRow } from "../../src/event/encode.ts";
import { leafText } from "../../src/event/leaf.ts";
import { answered } from "../../src/event/outcomes.ts";
import { systemFacts } from "../../src/event/system.ts";
import { writeAnchorLine } from "../../src/evidence/anchors.ts";
import type { Anchored } from "../../src/evidence/log-check.ts";
import { verifyProof } from "../../src/evidence/proof-file.ts";
import { sha256 } from "../../src/evidence/sha256.ts";
import { verifyPlace } from "../../src/evidence/verify.ts";
import { readSealed } from "../../src/journal/sealed.ts";
import { nodeSha256 } from "../../src/journal/signing-key.ts";
import { ALL_TIME } from "../../src/places/found-event.ts";
import { twiceIfMissing, verifyFolder } from "../../src/places/look.ts";
import { bundleOf, proofOf } from "../../src/places/make-proof.ts";
import { slotPlace } from "../../src/places/slot-place.ts";
import { storePlace } from "../../src/places/store-place.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { runCommand } from "../cli/written.ts";
import { START_MS } from "../support/events.ts";
import { SealedLog } from "./sealed-log.ts";

interface Known {
  readonly anchors?: readonly Anchored[];
  readonly trusted?: readonly string[] | null;
  readonly range?: typeof ALL_TIME;
}

async function verified(log: SealedLog, { anchors = [], trusted = null, range = ALL_TIME }: Known = {}) {
  const store = await openStore(log.store, "read");
  try {
    const place = await storePlace("store", store, range);
    const known = new Map(anchors.length === 0 ? [] : [[log.nodeId, anchors]]);
    const reports = await verifyPlace(place, { sha256: nodeSha256, trusted, anchors: known });
    return reports.find(({ nodeId }) => nodeId === log.nodeId);
  } finally {
    await store.close();
  }
}

const stateOf = async (log: SealedLog, known?: Known) => (await verified(log, known))?.state;

/** A log of some events, all of them sealed and in the store. */
async function sealedLog(count = 40): Promise<SealedLog> {
  const log = new SealedLog();
  log.record(count);
  log.seal();
  await log.ship();
  return log;
}

function change(log: SealedLog, ...statements: string[]): void {
  const db = new DatabaseSync(join(log.home, "events.db"));
  for (const statement of statements) db.exec(statement);
  db.close();
}

test("a log that is whole is VALID, with what was compared", async () => {
  const log = await sealedLog(300);
  const report = await verified(log);
  assert.deepEqual(
    [report?.state, report?.events, report?.size, report?.tail, report?.checkpoints, report?.findings],
    ["VALID", 300, 300, 0, 1, []],
  );
});

test("any field of any event that was changed is seen, and which event", async () => {
  for (const set of [
    "duration_ms = 7",
    "recorded_at = recorded_at + 1",
    "p1_salt = zeroblob(16)",
    "request_size = request_size + 1",
  ]) {
    const log = await sealedLog();
    change(log, `UPDATE events SET ${set} WHERE seq = 17`);
    const report = await verified(log);
    assert.deepEqual(
      [report?.state, report?.findings[0]?.detail],
      ["TAMPERED", "event 17 is not what was sealed"],
      set,
    );
  }
});

test("whatever is written where an event is kept, there is a verdict", async () => {
  const log = await sealedLog(5);
  const file = join(log.home, "events.db");
  const whole = `${file}.whole`;
  change(log, "PRAGMA wal_checkpoint(TRUNCATE)");
  copyFileSync(file, whole);
  const db = new DatabaseSync(file);
  const columns = db.prepare("SELECT name FROM pragma_table_info('events') WHERE type = 'INTEGER'").all();
  db.close();
  const huge = 2n ** 62n;
  const tampered = [
    ...[...columns.map(({ name }) => name), "rowid"].map(
      (name) => `events SET "${name}" = ${huge} WHERE seq = 3`,
    ),
    `events SET rowid = ${-huge} WHERE seq = 3`,
    "events SET shape = 0 WHERE seq = 3",
    "events SET actor = -1 WHERE seq = 3",
    "events SET p1_salt = NULL WHERE seq = 3",
    "events SET p2_salt = NULL WHERE seq = 3",
    "shapes SET cells = '1' WHERE id = (SELECT shape FROM events WHERE seq = 3)",
    "dictionary SET id = 999",
  ];
  assert.ok(tampered.length > 25);
  for (const statement of tampered) {
    change(log, `UPDATE OR REPLACE ${statement}`);
    const report = await verified(log);
    assert.equal(report?.state, "TAMPERED", statement);
    copyFileSync(whole, file);
  }
  change(log, `UPDATE positions SET seq = ${huge}`);
  assert.equal(await stateOf(log), "MISSING");
  copyFileSync(whole, file);
  change(log, `UPDATE checkpoints SET size = ${huge}, at = ${huge}`, `UPDATE forgotten SET times = ${huge}`);
  assert.equal(await stateOf(log), "VALID", "nobody goes by these");
});

test("an event that says a time which no event can have is compared as any other", async () => {
  for (const recordedAt of [-1, Number.MIN_SAFE_INTEGER, 0, Number.MAX_SAFE_INTEGER]) {
    const log = await sealedLog(40);
    change(log, `UPDATE events SET recorded_at = ${recordedAt}, duration_ms = 77777 WHERE seq = 20`);
    const parts = { env: { DAYBOOK_HOME: log.home }, cwd: log.home, homedir: log.home, now: () => START_MS };
    const { out, code } = await runCommand((screens) => verifyCommand({ ...parts, ...screens }), []);
    assert.match(out, /TAMPERED/, String(recordedAt));
    assert.equal(code, 31, String(recordedAt));
  }
});

test("an event that was put where a scan would not begin is seen, and those after one that cannot be read are", async () => {
  for (const rowid of [-5n, 0n, -(2n ** 62n), 2n ** 62n]) {
    const log = await sealedLog(5);
    const db = new DatabaseSync(join(log.home, "events.db"));
    const columns = db.prepare("SELECT name FROM pragma_table_info('events')").all();
    db.close();
    const list = columns.map(({ name }) => `"${name}"`).join(", ");
    change(log, `INSERT INTO events (rowid, ${list}) SELECT ${rowid}, ${list} FROM events WHERE seq = 3`);
    assert.equal(await stateOf(log), "TAMPERED", String(rowid));
  }
  const log = await sealedLog(300);
  change(
    log,
    "UPDATE events SET count = 9223372036854775807 WHERE seq = 3",
    "DELETE FROM events WHERE seq = 299",
  );
  const report = await verified(log);
  assert.deepEqual([report?.state, report?.events], ["TAMPERED", 298]);
});

test("an event that is deleted, doubled, moved or given to another node is seen", async () => {
  const attacks: [string, string[]][] = [
    ["MISSING", ["DELETE FROM events WHERE seq = 1"]],
    ["MISSING", ["DELETE FROM events WHERE seq IN (16, 17, 18)"]],
    ["MISSING", ["DELETE FROM events WHERE seq = 40"]],
    ["MISSING", ["DELETE FROM events"]],
    [
      "TAMPERED",
      [
        "UPDATE events SET seq = 100000 - seq WHERE seq IN (3, 4)",
        "UPDATE events SET seq = 99993 + 10 - seq WHERE seq > 90000",
      ],
    ],
    ["TAMPERED", ["UPDATE events SET seq = 5 WHERE seq = 6"]],
    ["MISSING", ["UPDATE events SET node_id = x'00000000000000ff' WHERE seq = 6"]],
    ["MISSING", ["DELETE FROM tiles WHERE level = 0"]],
    ["TAMPERED", ["UPDATE tiles SET hashes = zeroblob(32 * 40) WHERE level = 0"]],
    ["NOT_SEALED", ["DELETE FROM checkpoints"]],
    ["KEY_UNKNOWN", ["UPDATE signing_keys SET chain = replace(chain, 'keys', 'kezs')"]],
  ];
  for (const [state, statements] of attacks) {
    const log = await sealedLog();
    change(log, ...statements);
    assert.equal(await stateOf(log), state, statements[0]);
  }
});

test("what is not sealed yet is a tail, and is held to the root that was recorded", async () => {
  const log = await sealedLog();
  log.record(5);
  await log.ship();
  const report = await verified(log);
  assert.deepEqual([report?.state, report?.tail], ["UNSEALED_TAIL", 5]);
  change(log, "UPDATE events SET duration_ms = 7777 WHERE seq = 43");
  assert.equal(await stateOf(log), "TAMPERED");
  change(log, "DELETE FROM events WHERE seq = 45");
  assert.equal(await stateOf(log), "MISSING");
});

test("a log that was cut, with its checkpoints, is valid by itself; an anchor shows it", async () => {
  const log = await sealedLog(30);
  const { size, root } = readSealed(log.slotFolder)?.checkpoint ?? { size: 0, root: new Uint8Array() };
  const first = { size, root: Buffer.from(root).toString("hex") };
  log.record(10);
  log.seal(START_MS + 3_600_000);
  const last = { size: 40, root: log.journal.root };
  await log.ship();
  assert.equal(await stateOf(log, { anchors: [first, last] }), "VALID");
  change(log, "DELETE FROM events WHERE seq > 30", "DELETE FROM checkpoints WHERE size > 30");
  change(log, `UPDATE positions SET seq = 30, root = '${first.root}'`);
  assert.notEqual(await stateOf(log), "ANCHOR_CONFLICT");
  assert.equal(await stateOf(log, { anchors: [first, last] }), "ANCHOR_CONFLICT");
  assert.equal(await stateOf(await sealedLog(40), { anchors: [last] }), "ANCHOR_CONFLICT", "another history");
});

test("an old checkpoint that is not of this log is seen, although the newest is", async () => {
  const [log, other] = [await sealedLog(30), await sealedLog(30)];
  log.record(10);
  log.seal(START_MS + 3_600_000);
  await log.ship();
  assert.deepEqual([await stateOf(log), (await verified(log))?.checkpoints], ["VALID", 2]);
  const note = readSealed(other.slotFolder)?.note.replaceAll(other.nodeId, log.nodeId) ?? "";
  change(log, `UPDATE checkpoints SET note = '${note}' WHERE size = 30`);
  assert.equal(await stateOf(log), "KEY_UNKNOWN");
});

test("with a key from elsewhere only logs that it signed are proven", async () => {
  const [log, other] = [await sealedLog(), await sealedLog()];
  const key = (await verified(log))?.key ?? "";
  assert.equal(await stateOf(log, { trusted: [key] }), "VALID");
  assert.equal(await stateOf(other, { trusted: [key] }), "KEY_UNKNOWN");
});

test("events that were erased still verify, and are told", async () => {
  const log = await sealedLog();
  const store = await openStore(log.store, "read");
  const { events } = await store.scan(null, 1);
  const event = events[0];
  const proof = await proofOf(store, String(event?.row[0]));
  await store.close();
  const hash =
    /"p2":"([0-9a-f]{64})"/.exec(
      leafText(event?.row ?? [], event?.p1Salt ?? new Uint8Array(), event?.p2Salt ?? new Uint8Array()),
    )?.[1] ?? "";
  change(
    log,
    `UPDATE events SET p2_salt = x'${hash}', input_json = NULL, redactions = NULL, truncated = NULL, old_values = NULL, new_values = NULL, justification = NULL WHERE seq = 1`,
  );
  const report = await verified(log);
  assert.deepEqual([report?.state, report?.erased, report?.events], ["VALID_ERASED", 1, 40]);
  const erased = { ...proof, event: { ...proof.event, p2: { hash } } };
  assert.equal((await verifyProof(erased, { sha256, trusted: null })).state, "VALID_ERASED");
});

function recordPruned(
  log: SealedLog,
  from: number,
  to: number,
  kinds: Record<string, number>,
  node = log.nodeId,
): void {
  const facts = systemFacts(
    "pruned",
    { node, from_seq: from, to_seq: to, because: "age", ...kinds },
    START_MS,
  );
  log.journal.commit([["finish", encodeRow(facts, answered(null), { count: 0 })]]);
}

test("what retention removed is PRUNED, and only that: by range, by count, and once it is sealed", async () => {
  const log = await sealedLog();
  recordPruned(log, 3, 9, { inference: 4, mcp: 1 });
  log.seal();
  await log.ship();
  assert.equal(await stateOf(log), "VALID", "told, and not removed yet");
  change(log, "DELETE FROM events WHERE seq IN (3, 4, 6, 9)");
  const report = await verified(log);
  assert.deepEqual([report?.state, report?.pruned], ["PRUNED", 4]);
  change(log, "DELETE FROM events WHERE seq IN (5, 7)");
  assert.equal(await stateOf(log), "MISSING", "more than it said");
  const other = await sealedLog();
  recordPruned(other, 3, 9, { inference: 7 });
  await other.ship();
  change(other, "DELETE FROM events WHERE seq = 4");
  assert.equal(await stateOf(other), "MISSING", "the event that says so is not sealed");
  const third = await sealedLog();
  recordPruned(third, 3, 9, { inference: 7 });
  third.seal();
  await third.ship();
  change(third, "DELETE FROM events WHERE seq IN (4, 10)");
  assert.equal(await stateOf(third), "MISSING", "one of them is outside the range");
});

test("what retention says takes the place of what it said before of the log, as far as it knows of it", async () => {
  const log = await sealedLog();
  recordPruned(log, 3, 9, { inference: 6 });
  const first = log.journal.lastSeq;
  log.seal();
  await log.ship();
  change(log, "DELETE FROM events WHERE seq IN (3, 4)");
  recordPruned(log, 6, 7, { mcp: 1, gone: 2, [`after_${log.nodeId}`]: first });
  log.seal();
  await log.ship();
  change(log, "DELETE FROM events WHERE seq = 6");
  assert.deepEqual([await stateOf(log), (await verified(log))?.pruned], ["PRUNED", 3]);
  const other = new SealedLog(log.home);
  recordPruned(other, 8, 8, { inference: 1, gone: 2, [`after_${log.nodeId}`]: 5 }, log.nodeId);
  other.seal();
  await other.ship();
  change(log, "DELETE FROM events WHERE seq = 8");
  assert.equal(await stateOf(log), "PRUNED", "what it did not know of stays in force");
  change(log, "DELETE FROM events WHERE seq = 5");
  assert.equal(await stateOf(log), "MISSING", "of the six that were named first only two are gone");
});

test("retention may take events that are not sealed yet, and they are no loss; nor is a tail that nobody looks at", async () => {
  const log = await sealedLog();
  log.record(10);
  await log.ship();
  const other = new SealedLog(log.home);
  recordPruned(other, 45, 47, { inference: 3 }, log.nodeId);
  other.seal();
  await other.ship();
  const before = { since: 0, until: START_MS - 1 };
  assert.equal(await stateOf(log, { range: before }), "UNSEALED_TAIL");
  change(log, "DELETE FROM events WHERE seq IN (45, 46, 47)");
  const report = await verified(log);
  assert.deepEqual([report?.state, report?.pruned, report?.tail], ["UNSEALED_TAIL", 3, 10]);
  change(log, "DELETE FROM events WHERE seq = 48");
  assert.equal(await stateOf(log), "MISSING");
});

/** Retention that tells, and removes what it told. */
async function prune(log: SealedLog): Promise<void> {
  recordPruned(log, 3, 4, { inference: 2 });
  log.seal();
  await log.ship();
  change(log, "DELETE FROM events WHERE seq IN (3, 4)");
}

test("retention that begins while a store is looked at is no loss; a loss still is", async () => {
  const log = await sealedLog();
  const store = await openStore(log.store, "read");
  const states: (string | undefined)[] = [];
  let isPruned = false;
  const look = async () => {
    const place = await storePlace("store", store, ALL_TIME);
    if (!isPruned) await prune(log);
    isPruned = true;
    const reports = await verifyPlace(place, { sha256: nodeSha256, trusted: null, anchors: new Map() });
    states.push(reports[0]?.state);
    return reports;
  };
  assert.equal((await twiceIfMissing(look))[0]?.state, "PRUNED");
  assert.deepEqual(states, ["MISSING", "PRUNED"]);
  change(log, "DELETE FROM events WHERE seq = 9");
  assert.equal((await twiceIfMissing(look))[0]?.state, "MISSING");
  await store.close();
});

test("a bundle that retention took events from while it was made is none", async () => {
  const log = await sealedLog();
  const store = await openStore(log.store, "read");
  const lines = bundleOf(store, START_MS);
  await lines.next();
  await lines.next();
  await prune(log);
  const rest = async () => {
    for await (const line of lines) assert.ok(line);
  };
  await assert.rejects(rest, { code: "bad_argument" });
  await store.close();
});

test("a forged record of retention explains nothing", async () => {
  const log = await sealedLog();
  recordPruned(log, 1, 1, { inference: 1 });
  log.seal();
  await log.ship();
  change(
    log,
    `UPDATE events SET metadata = replace(metadata, '"to_seq":1', '"to_seq":9') WHERE seq = 41`,
    "DELETE FROM events WHERE seq = 5",
  );
  const report = await verified(log);
  assert.equal(report?.state, "TAMPERED");
  assert.ok(report?.findings.some(({ state }) => state === "MISSING"));
});

test("a time range compares the events in it, and still sees what is missing anywhere", async () => {
  const log = await sealedLog(60);
  const report = await verified(log, { range: { since: START_MS, until: START_MS } });
  assert.equal(report?.state, "VALID");
  change(log, "UPDATE events SET recorded_at = recorded_at + 5000, duration_ms = 77777 WHERE seq = 55");
  assert.equal(await stateOf(log, { range: { since: START_MS, until: START_MS } }), "VALID", "it is outside");
  assert.equal(await stateOf(log), "TAMPERED");
});

test("a slot verifies without a store, and its journal is held to its tiles", async () => {
  const log = await sealedLog(50);
  const look = async (others: readonly string[] = []) => {
    const place = slotPlace(
      "slot",
      { folder: log.slotFolder, nodeId: log.nodeId },
      { notes: others, seq: 0 },
      ALL_TIME,
    );
    return (await verifyPlace(place, { sha256, trusted: null, anchors: new Map() }))[0];
  };
  const report = await look();
  assert.deepEqual([report?.state, report?.events], ["VALID", 50]);
  const other = await sealedLog(50);
  assert.equal(
    (await look([readSealed(other.slotFolder)?.note ?? ""]))?.state,
    "TAMPERED",
    "a checkpoint of another log",
  );
  rmSync(join(log.slotFolder, "journal"), { recursive: true });
  assert.equal((await look())?.state, "MISSING");
});

test("a store that is behind its slot is held to the slot's anchors there, and a log that is nowhere is told", async () => {
  const log = await sealedLog(30);
  log.record(10);
  log.seal();
  const anchors = new Map([[log.nodeId, [{ size: 40, root: log.journal.root }]]]);
  const counting = () => ({ add() {}, stop() {} });
  const folder = async (known: ReadonlyMap<string, readonly Anchored[]>) =>
    (
      await verifyFolder(log.home, log.store, { range: ALL_TIME, trusted: null, anchors: known, counting })
    ).map(({ state }) => state);
  assert.deepEqual(await folder(anchors), ["VALID", "VALID"]);
  const forged = new Map([[log.nodeId, [{ size: 40, root: "0".repeat(64) }]]]);
  assert.deepEqual(await folder(forged), ["VALID", "ANCHOR_CONFLICT"]);
  const beyond = new Map([[log.nodeId, [{ size: 41, root: log.journal.root }]]]);
  assert.deepEqual(await folder(beyond), ["ANCHOR_CONFLICT", "ANCHOR_CONFLICT"]);
  const removed = new Map([["00000000000000ff", [{ size: 1, root: log.journal.root }]]]);
  rmSync(join(log.home, "events.db"));
  assert.deepEqual(await folder(removed), ["ANCHOR_CONFLICT", "VALID"]);
});

test("a proof of one event holds alone, and not for another event, place or key", async () => {
  const log = await sealedLog(700);
  const store = await openStore(log.store, "read");
  const { events } = await store.scan(null, 1000);
  for (const seq of [1, 256, 257, 512, 700]) {
    const event = events.find(({ row }) => row[2] === seq);
    const proof = await proofOf(store, String(event?.row[0]));
    const judge = async (changed: object) =>
      (await verifyProof({ ...proof, ...changed }, { sha256, trusted: null })).state;
    assert.equal(await judge({}), "VALID", `event ${seq}`);
    const edited = { ...proof.event, public: { ...proof.event.public, model: "other" } };
    assert.equal(await judge({ event: edited }), "TAMPERED");
    assert.equal(
      await judge({ event: { ...proof.event, public: { ...proof.event.public, seq: 2 } } }),
      "TAMPERED",
    );
    assert.equal(await judge({ path: proof.path.slice(1) }), "TAMPERED");
    assert.equal(await judge({ keys: "{}" }), "KEY_UNKNOWN");
    assert.equal(await judge({ checkpoint: proof.checkpoint.replace("\n700\n", "\n701\n") }), "TAMPERED");
  }
  await store.close();
});

test("the command answers with the state's exit code, for a folder, a store, a bundle and a proof", async () => {
  const log = await sealedLog(20);
  const parts = { env: { DAYBOOK_HOME: log.home }, cwd: log.home, homedir: log.home, now: () => START_MS };
  const verify = (...args: string[]) =>
    runCommand((screens) => verifyCommand({ ...parts, ...screens }), args);
  const prove = (...args: string[]) => runCommand((screens) => proofCommand({ ...parts, ...screens }), args);
  writeFileSync(join(log.home, "bundle.jsonl"), (await prove("--all")).out);
  const store = await openStore(log.store, "read");
  const eventId = String((await store.scan(null, 1)).events[0]?.row[0]);
  await store.close();
  writeFileSync(join(log.home, "proof.json"), (await prove(eventId)).out);
  for (const path of [".", "events.db", "bundle.jsonl", "proof.json"]) {
    const { code, out } = await verify(path);
    assert.equal(code, 0, path);
    assert.match(out, / {2}VALID\n/);
  }
  const { out, err } = await verify("--json");
  const states = out
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { state: string }).state);
  assert.deepEqual(states, ["VALID", "VALID"]);
  assert.match(err, /No anchor was given.*\nNo key was given/);
  const anchor = { at: 1, logs: [{ nodeId: log.nodeId, size: 21, root: "0".repeat(64) }] };
  writeFileSync(join(log.home, "anchors"), `Nov 21 host daybook: ${writeAnchorLine(anchor)}\n`);
  assert.equal((await verify("--anchor", "anchors")).code, 32);
  change(log, "DELETE FROM events WHERE seq = 4");
  assert.equal((await verify()).code, 30);
  writeFileSync(join(log.home, "proof.json"), (await prove(eventId)).out.replace('"seq": 1', '"seq": 3'));
  assert.equal((await verify("proof.json")).code, 31);
  await assert.rejects(verify("anchors"), { code: "bad_argument" });
  await assert.rejects(prove("01a1fd87-0f21-7231-ac80-bf07bf4be3c4"), { code: "bad_argument" });
});
