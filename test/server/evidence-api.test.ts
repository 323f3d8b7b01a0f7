// Evidence over HTTP: what is shown of the logs, and what jobs find and make.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { verifyCommand } from "../../src/cli/verify.ts";
import { runCommand } from "../cli/written.ts";
import { ADMIN_TOKEN, chat, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

type Entity = Readonly<Record<string, unknown>>;

async function job(daybook: TestDaybook, path: string, body: Entity = {}): Promise<Entity> {
  const { status, json } = await daybook.ask(path, { method: "POST", body });
  assert.equal(status, 202);
  let now = json as Entity;
  await until(async () => {
    now = (await daybook.ask(`/admin/jobs/${now.id}`)).json as Entity;
    return now.state === "done" || now.state === "failed";
  }, 30_000);
  assert.equal(now.error, null);
  return now;
}

async function verdict(home: string, name: string, text: string): Promise<string> {
  const path = join(home, name);
  writeFileSync(path, text);
  const parts = { env: {}, cwd: home, homedir: home, now: Date.now };
  const { out } = await runCommand((screens) => verifyCommand({ ...parts, ...screens }), [path]);
  return out;
}

test("checkpoints, keys, anchors, proofs, verification and bundles are there for an auditor", async (t) => {
  const elsewhere = tempFolder();
  const anchor = join(elsewhere, "anchors.jsonl");
  const daybook = await startDaybook(t, { yaml: `anchors: [{ file: ${anchor} }]\n` });
  for (let n = 0; n < 5; n++) await chat(daybook.url);
  const events = await daybook.events();
  const { nodeId } = daybook.server;
  const get = async (path: string) => (await daybook.ask(path)).json as Entity[];
  await until(async () => Number((await get("/admin/evidence/checkpoints"))[0]?.size) >= events.length);
  const [checkpoint] = await get(`/admin/evidence/checkpoints?node_id=${nodeId}&limit=1`);
  assert.match(String(checkpoint?.note), new RegExp(`^daybook/${nodeId}\n${checkpoint?.size}\n`));
  assert.deepEqual(await get("/admin/evidence/checkpoints?node_id=0000000000000000"), []);
  assert.equal((await get("/admin/evidence/keys"))[0]?.node_id, nodeId);
  const { warning, places } = (await daybook.ask("/admin/evidence/anchors")).json as Entity & {
    places: Entity[];
  };
  assert.deepEqual([warning, places[0]?.kind, places[0]?.trouble], [null, "file", null]);
  const proof = await daybook.ask(`/admin/evidence/proofs/${events[1]?.event_id}`);
  assert.match(await verdict(elsewhere, "proof.json", proof.text), /VALID/);
  assert.equal(
    (await daybook.ask("/admin/evidence/proofs/0190a000-0000-7000-8000-000000000000")).status,
    400,
  );
  const verified = await job(daybook, "/admin/evidence/verify");
  const { state, places: seen } = verified.result as Entity;
  assert.match(String(state), /^(VALID|UNSEALED_TAIL)$/);
  const reports = await get(`/admin/evidence/reports/${verified.id}`);
  assert.equal(reports.length, seen);
  assert.ok(reports.length >= 2 && reports.every(({ node_id }) => node_id === nodeId), "store and slot");
  assert.equal(
    (await daybook.ask("/admin/evidence/reports/0190a000-0000-7000-8000-000000000000")).status,
    404,
  );
  const bundled = await job(daybook, "/admin/evidence/bundle");
  const download = () =>
    fetch(`${daybook.url}/admin/evidence/bundles/${bundled.id}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
  const answer = await download();
  assert.match(await verdict(elsewhere, "bundle.jsonl", await answer.text()), /\n(VALID|UNSEALED_TAIL)\n$/);
  const told = (await daybook.events("kind=system")).map(({ action }) => action);
  for (const action of ["verified", "exported"]) assert.ok(told.includes(action), action);
  await daybook.ask("/admin/erasures", { method: "POST", body: { user_id: "nobody" } });
  await until(async () => (await download()).status === 404, 30_000);
});

test("with no anchors, that is said plainly", async (t) => {
  const daybook = await startDaybook(t);
  const { warning } = (await daybook.ask("/admin/evidence/anchors")).json as Entity;
  assert.match(String(warning), /Set anchors in daybook.yaml/);
});
