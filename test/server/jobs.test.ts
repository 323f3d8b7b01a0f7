// Jobs, with work that the test holds in its hands.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DaybookError } from "../../src/event/errors.ts";
import { JobBoard, type JobContext, type JobKind } from "../../src/server/jobs.ts";
import { tempFolder } from "../support/temp.ts";

type Handed = { readonly input: unknown; readonly context: JobContext } & PromiseWithResolvers<
  Record<string, number>
>;

/** Work that is over when the test says so, or when it is told to stop. */
function heldWork() {
  const handed: Handed[] = [];
  let arrived = Promise.withResolvers<void>();
  const kind: JobKind = {
    grant: "audit:read",
    run(input, context) {
      const end = Promise.withResolvers<Record<string, number>>();
      context.signal.addEventListener("abort", () => end.reject(new Error("stopped")));
      handed.push({ input, context, ...end });
      arrived.resolve();
      return end.promise;
    },
  };
  const next = async (count: number) => {
    while (handed.length < count) {
      await arrived.promise;
      arrived = Promise.withResolvers();
    }
    return handed[count - 1] as Handed;
  };
  return { kind, handed, next };
}

function openBoard(kind: JobKind, more: Partial<Parameters<typeof JobBoard.open>[0]> = {}) {
  let time = 0;
  const reported: unknown[] = [];
  return JobBoard.open({
    folder: join(tempFolder(), "jobs"),
    kinds: { work: kind },
    now: () => ++time,
    report: (error) => reported.push(error),
    ...more,
  });
}

/** Until the job is over. */
async function over(board: JobBoard, id: string) {
  while (board.get(id).endedAt === null) await new Promise(setImmediate);
  return board.get(id);
}

test("a job runs, tells how far it is, and ends with its result", async () => {
  const work = heldWork();
  await using board = await openBoard(work.kind);
  const { id, state } = await board.start("work", { format: "csv" }, { rows: 3 });
  assert.equal(state, "running");
  const run = await work.next(1);
  assert.deepEqual(run.input, { rows: 3 });
  run.context.progress(2, 3);
  assert.deepEqual([board.get(id).state, board.get(id).done, board.get(id).total], ["running", 2, 3]);
  run.resolve({ rows: 3 });
  const job = await over(board, id);
  assert.deepEqual(
    [job.state, job.result, job.about, job.resumable],
    ["done", { rows: 3 }, { format: "csv" }, false],
  );
  await assert.rejects(board.resume(id), { code: "conflict" });
});

test("what a job was asked for is forgotten when it is done", async () => {
  const work = heldWork();
  const folder = join(tempFolder(), "jobs");
  await using board = await openBoard(work.kind, { folder });
  const { id } = await board.start("work", {}, { user: "someone" });
  const kept = () => readFileSync(join(folder, id, "job.json"), "utf8");
  assert.match(kept(), /someone/);
  (await work.next(1)).resolve({});
  await over(board, id);
  await board[Symbol.asyncDispose]();
  assert.doesNotMatch(kept(), /someone/);
});

test("a job that was cancelled goes on from what it saved", async () => {
  const work = heldWork();
  await using board = await openBoard(work.kind);
  const { id } = await board.start("work", {}, "all");
  const first = await work.next(1);
  await first.context.save({ upTo: 7 });
  const cancelled = await board.cancel(id);
  assert.deepEqual([cancelled.state, cancelled.resumable, cancelled.error], ["cancelled", true, null]);
  await board.resume(id);
  const second = await work.next(2);
  assert.deepEqual([second.input, second.context.saved], ["all", { upTo: 7 }]);
  second.resolve({});
  assert.equal((await over(board, id)).state, "done");
});

test("a job of a process that died has failed, and can be resumed", async () => {
  const folder = join(tempFolder(), "jobs");
  const before = heldWork();
  const dead = await openBoard(before.kind, { folder });
  const { id } = await dead.start("work", {}, "all");
  await (await before.next(1)).context.save({ upTo: 7 });
  // It says nothing of its end: this is how its folder looks after a kill.
  const killed = readFileSync(join(folder, id, "job.json"));
  await dead[Symbol.asyncDispose]();
  writeFileSync(join(folder, id, "job.json"), killed);
  mkdirSync(join(folder, "half-made"));

  const work = heldWork();
  await using board = await openBoard(work.kind, { folder });
  assert.deepEqual([board.get(id).state, board.get(id).error?.code], ["failed", "interrupted"]);
  assert.equal(board.list().length, 1);
  await board.resume(id);
  assert.deepEqual((await work.next(1)).context.saved, { upTo: 7 });
});

test("a failure is shown as one of the known ones, never as its own text", async () => {
  const work = heldWork();
  const reported: unknown[] = [];
  await using board = await openBoard(work.kind, { report: (error) => reported.push(error) });
  const ids = [await board.start("work", {}, 1), await board.start("work", {}, 2)].map(({ id }) => id);
  (await work.next(1)).reject(new DaybookError("overloaded", "just now"));
  (await work.next(2)).reject(new Error("sk-secret"));
  const [known, unknown] = await Promise.all(ids.map((id) => over(board, id)));
  assert.equal(known?.error?.code, "overloaded");
  assert.deepEqual(unknown?.error, { code: "internal_error", detail: "The job failed (Error)." });
  assert.equal(reported.length, 1);
});

test("few run at a time, few wait, and few that are over stay", async () => {
  const work = heldWork();
  const folder = join(tempFolder(), "jobs");
  await using board = await openBoard(work.kind, { folder, limits: { running: 1, waiting: 2, kept: 2 } });
  const start = () => board.start("work", {}, null);
  const ids = [await start(), await start(), await start()].map(({ id }) => id);
  await work.next(1);
  await assert.rejects(start(), { code: "overloaded" });
  assert.deepEqual(
    board.list().map(({ state }) => state),
    ["waiting", "waiting", "running"],
  );
  for (const [at, id] of ids.entries()) {
    (await work.next(at + 1)).resolve({});
    await over(board, id);
  }
  while (board.list().length > 2) await new Promise(setImmediate);
  assert.deepEqual(
    board.list().map(({ id }) => id),
    [ids[2], ids[1]],
  );
  await board[Symbol.asyncDispose]();
  assert.equal(existsSync(join(folder, ids[0] ?? "")), false);
});

test("a job that is removed is gone with what it made", async () => {
  const work = heldWork();
  const folder = join(tempFolder(), "jobs");
  await using board = await openBoard(work.kind, { folder });
  const { id } = await board.start("work", {}, null);
  const { context } = await work.next(1);
  writeFileSync(join(context.folder, "made.txt"), "x");
  assert.equal(board.file(id, "made.txt"), join(context.folder, "made.txt"));
  assert.equal(board.file(id, "other.txt"), null);
  await board.remove(id);
  assert.deepEqual(readdirSync(folder), []);
  assert.throws(() => board.get(id), { code: "unknown_entity" });
});
