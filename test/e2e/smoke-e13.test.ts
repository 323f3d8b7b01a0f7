// The everyday of a Daybook, from login to bill, as scripts/smoke.ts does it against one that runs.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ADMIN_TOKEN, startDaybook } from "../support/daybook.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/smoke.ts", import.meta.url));
const run = promisify(execFile);

test("every step is well, and what was made is taken away again", async (t) => {
  const daybook = await startDaybook(t);
  const env = { PATH: process.env.PATH, DAYBOOK_TOKEN: ADMIN_TOKEN };
  const { stdout } = await run(process.execPath, [SCRIPT, daybook.url], { env, timeout: 60_000 });
  assert.match(stdout, /All \d+ steps are well\.\n$/);
  for (const step of ["admin login", "credit grant", "model sync", "GET /v1/credits", "GET /metrics"])
    assert.match(stdout, new RegExp(`^ok \\d+ ${step}`, "m"));
  for (const path of ["/admin/users", "/admin/model-routes"]) {
    const left = (await daybook.ask(path)).json as { name?: string; source?: string }[];
    assert.deepEqual(
      left.filter(({ name, source }) => name !== undefined || source === "control"),
      [],
      path,
    );
  }
  const admin = await daybook.events("kind=admin");
  assert.ok(admin.some(({ action }) => action === "provider_connection_deleted"));
});

test("it fails, and says where, when a step does not do what it should", async (t) => {
  const daybook = await startDaybook(t);
  const env = { PATH: process.env.PATH, DAYBOOK_TOKEN: `${ADMIN_TOKEN}-wrong` };
  const failure = await run(process.execPath, [SCRIPT, daybook.url], { env, timeout: 60_000 }).then(
    () => assert.fail("it was content"),
    (error: { code: number; stderr: string }) => error,
  );
  assert.equal(failure.code, 1);
  assert.match(failure.stderr, /^not ok a user is made: 401, not 201/);
});
