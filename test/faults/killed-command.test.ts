// A command that is killed right after its change was committed: the change is in the trail all the same, once.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startDaybook } from "../support/daybook.ts";

const BIN = fileURLToPath(new URL("../../bin/daybook.mjs", import.meta.url));

test("a change of a command that was killed is recorded once, by the server that adopts its slot", async (t) => {
  const daybook = await startDaybook(t);
  const database = new DatabaseSync(join(daybook.home, "control.db"), { readOnly: true, timeout: 5000 });
  t.after(() => database.close());
  const count = database.prepare("SELECT count(*) AS keys FROM api_keys");
  const keys = () => Number(count.get()?.keys);
  for (let n = 0; n < 2; n++) {
    const before = keys();
    const child = spawn(process.execPath, [BIN, "keys", "create", `killed ${n}`], {
      env: { PATH: process.env.PATH, DAYBOOK_HOME: daybook.home },
      stdio: "ignore",
    });
    const closed = once(child, "close");
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
    });
    while (keys() === before) {
      assert.ok(!isClosed, "the command ended without making its key");
      await new Promise((resolve) => setImmediate(resolve));
    }
    child.kill("SIGKILL");
    await closed;
  }
  // A round that is under way may have looked before the last one was killed.
  await daybook.adopted();
  await daybook.adopted();
  const ids = database.prepare("SELECT id FROM api_keys WHERE name LIKE 'killed %'").all();
  const events = await daybook.events("kind=admin&caller=cli");
  assert.deepEqual(
    events.map(({ action, entity_id }) => `${action} ${entity_id}`).sort(),
    ids.map(({ id }) => `api_key_created ${id}`).sort(),
  );
  assert.equal(ids.length, 2);
});
