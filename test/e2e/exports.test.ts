// Exports of a whole Daybook: as an answer that streams, as jobs, and where jobs deliver.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { request } from "undici";
import { openStore } from "../../src/stores/open-store.ts";
import { ADMIN_TOKEN, chat, sharedDaybook, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { NodeLog } from "../support/events.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

/** Of tests that export at once: the first of them makes what is there. */
const shared = sharedDaybook();

type Json = Record<string, unknown>;

async function chats(daybook: TestDaybook, count: number): Promise<void> {
  for (let made = 0; made < count; made++) await chat(daybook.url);
  await daybook.settle();
}

/** The newest event of an action, once it is there. */
async function eventOf(daybook: TestDaybook, action: string): Promise<Json & { metadata: Json }> {
  const events = await daybook.events(`include=system&action=${action}`);
  const event = events.at(-1) ?? assert.fail(`no ${action}`);
  return { ...event, metadata: JSON.parse(event.metadata ?? "{}") as Json };
}

/** The job, once it is over. */
async function over({ ask }: TestDaybook, id: unknown): Promise<Json> {
  let job: Json = {};
  await until(async () => {
    job = (await ask(`/admin/jobs/${id}`)).json as Json;
    return job.ended_at !== null;
  });
  return job;
}

const sha256 = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");

test("a direct export streams what matches, says what it is, and leaves its event", async () => {
  const daybook = await shared();
  await chats(daybook, 3);
  for (const path of ["/admin/audit-logs/export", "/admin/audit/export", "/api/system/audit-logs/export"]) {
    const { statusCode, headers, body, trailers } = await request(
      `${daybook.url}${path}?format=csv&model=demo`,
      {
        headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
      },
    );
    const text = await body.text();
    assert.equal(statusCode, 200);
    assert.equal(text.split("\r\n").length, 5);
    assert.equal(headers["content-type"], "text/csv");
    assert.equal(headers["content-disposition"], "attachment; filename=audit-logs.csv");
    assert.deepEqual(trailers, { "x-export-rows": "3", "x-export-sha256": sha256(text) });
    const { kind, status, metadata, user_id } = await eventOf(daybook, "exported");
    assert.deepEqual([kind, status, user_id], ["system", "success", null]);
    const what = { format: "csv", compression: "none", filters: "model", rows: 3, bytes: text.length };
    assert.deepEqual(metadata, { ...what, sha256: sha256(text) });
  }
  const { headers, body } = await request(`${daybook.url}/admin/audit-logs/export`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  await body.dump();
  assert.equal(headers["content-type"], "application/jsonl");
  assert.equal(headers["content-disposition"], "attachment; filename=audit-logs.jsonl");
});

test("L10: an unknown format or parameter is refused, and nothing is exported without a token", async () => {
  const daybook = await shared();
  for (const query of [
    "format=xml",
    "format=csv&modle=x",
    "format=parquet&compression=gzip",
    "format=csv&format=csv",
  ])
    assert.equal((await daybook.get(`/admin/audit-logs/export?${query}`)).status, 400, query);
  assert.equal((await daybook.ask("/admin/audit-logs/export", { token: null })).status, 401);
});

test("a viewer exports events of their own, and starts no jobs", async () => {
  const daybook = await shared();
  await chats(daybook, 1);
  const user = (await daybook.ask("/admin/users", { method: "POST", body: { name: "ann", role: "viewer" } }))
    .json as Json;
  const token = (
    (
      await daybook.ask("/admin/tokens", {
        method: "POST",
        body: { name: "t", role: "viewer", user_id: user.id },
      })
    ).json as Json
  ).secret as string;
  const { status, text } = await daybook.ask("/admin/audit-logs/export?format=csv", { token });
  assert.equal(status, 200);
  assert.equal(text.split("\r\n").length, 2, text);
  assert.equal((await daybook.ask("/admin/exports", { method: "POST", token, body: {} })).status, 403);
  assert.equal((await daybook.ask("/admin/jobs", { token })).status, 403);
});

test("a client that leaves in the middle ends the export, which is recorded as left", async (t) => {
  const home = tempFolder();
  const store = await openStore(`sqlite:${join(home, "events.db")}`, "write");
  const log = new NodeLog("00000000000000aa");
  // More than sockets hold while nobody reads.
  for (let part = 0; part < 8; part++) await store.append(log.next(1000));
  await store.close();
  const daybook = await startDaybook(t, { home });
  const socket = connect(Number(new URL(daybook.url).port), "127.0.0.1");
  socket.write(
    `GET /admin/audit-logs/export?include=system HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN_TOKEN}\r\n\r\n`,
  );
  await once(socket, "readable");
  socket.destroy();
  const left = async () =>
    (await daybook.events("include=system&action=exported")).filter(({ caller }) => caller === "http");
  await until(async () => (await left()).length > 0);
  assert.deepEqual(
    (await left()).map(({ status }) => status),
    ["cancelled"],
  );
});

test("a job makes a file with a manifest, and its file can be fetched", async (t) => {
  const daybook = await startDaybook(t);
  await chats(daybook, 4);
  const body = { format: "jsonl", compression: "gzip", filter: "model=demo" };
  const started = await daybook.ask("/admin/exports", { method: "POST", body });
  assert.equal(started.status, 202);
  const id = (started.json as Json).id;
  const job = await over(daybook, id);
  assert.equal(job.state, "done", JSON.stringify(job));
  const { rows, sha256: hash } = job.result as Json;
  assert.equal(rows, 4);
  const { body: file } = await request(`${daybook.url}/admin/exports/${id}/file`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  assert.equal(sha256(Buffer.from(await file.arrayBuffer())), hash);
  const manifest = (await daybook.ask(`/admin/exports/${id}/manifest`)).json as Json;
  assert.deepEqual([manifest.rows, manifest.sha256, manifest.format], [4, hash, "jsonl"]);
  const events = await daybook.events("include=system&action=exported");
  assert.deepEqual(
    events.map(({ caller }) => caller),
    ["http", "system"],
  );
  assert.equal((await daybook.ask(`/admin/jobs/${id}`, { method: "DELETE", body: {} })).status, 204);
  assert.equal((await daybook.get(`/admin/exports/${id}/file`)).status, 404);
});

test("a job delivers into a folder of the configuration, and into no other place", async (t) => {
  const folder = join(tempFolder(), "out");
  const daybook = await startDaybook(t, { yaml: `export_targets: [{ name: archive, folder: ${folder} }]\n` });
  await chats(daybook, 2);
  const elsewhere = await daybook.ask("/admin/exports", { method: "POST", body: { target: "elsewhere" } });
  assert.equal(elsewhere.status, 404);
  const { json } = await daybook.ask("/admin/exports", {
    method: "POST",
    body: { format: "csv", target: "archive" },
  });
  const job = await over(daybook, (json as Json).id);
  const { file, sha256: hash } = job.result as { file: string; sha256: string };
  assert.deepEqual(readdirSync(folder).sort(), [file, `${file}.manifest.json`]);
  assert.equal(sha256(readFileSync(join(folder, file))), hash);
  assert.equal((await eventOf(daybook, "exported")).metadata.target, "archive");
});

test("a target that cannot be written fails the job, visibly, and the job goes on when it can", async (t) => {
  const parent = tempFolder();
  const folder = join(parent, "blocked", "out");
  const { writeFileSync, rmSync } = await import("node:fs");
  writeFileSync(join(parent, "blocked"), "a file");
  const daybook = await startDaybook(t, { yaml: `export_targets: [{ name: archive, folder: ${folder} }]\n` });
  await chats(daybook, 1);
  const { json } = await daybook.ask("/admin/exports", {
    method: "POST",
    body: { format: "csv", target: "archive" },
  });
  const id = (json as Json).id;
  const failed = await over(daybook, id);
  assert.equal((failed.error as Json).code, "export_failed");
  assert.deepEqual((await eventOf(daybook, "export_failed")).metadata, {
    job: id,
    code: "export_failed",
    target: "archive",
  });
  rmSync(join(parent, "blocked"));
  await daybook.ask(`/admin/jobs/${id}/resume`, { method: "POST", body: {} });
  assert.equal((await over(daybook, id)).state, "done");
  assert.equal(existsSync(folder), true);
});

interface S3Server {
  run(): Promise<{ port: number }>;
  close(): Promise<void>;
}

test("a job delivers into a bucket of a real S3 server", async (t) => {
  const engines = createRequire(new URL("../engines/package.json", import.meta.url));
  const S3rver = engines("s3rver") as new (options: object) => S3Server;
  const directory = tempFolder();
  const configureBuckets = [{ name: "trail" }];
  const s3 = new S3rver({ port: 0, address: "127.0.0.1", silent: true, directory, configureBuckets });
  const { port } = await s3.run();
  t.after(() => s3.close());
  const place = `{ bucket: trail, prefix: daybook/, endpoint: "http://127.0.0.1:${port}", path_style: true, access_key_id: S3RVER, secret_access_key: S3RVER }`;
  const daybook = await startDaybook(t, { yaml: `export_targets: [{ name: bucket, s3: ${place} }]\n` });
  await chats(daybook, 2);
  const { json } = await daybook.ask("/admin/exports", {
    method: "POST",
    body: { format: "csv", target: "bucket" },
  });
  const job = await over(daybook, (json as Json).id);
  assert.equal(job.state, "done", JSON.stringify(job));
  const { file, sha256: hash } = job.result as { file: string; sha256: string };
  const stored = readdirSync(join(directory, "trail", "daybook")).filter((name) => name.includes(file));
  assert.ok(stored.some((name) => name.includes("manifest")));
  const object = stored.find((name) => name.endsWith("_object") && !name.includes("manifest")) ?? "";
  assert.equal(sha256(readFileSync(join(directory, "trail", "daybook", object))), hash);
});
