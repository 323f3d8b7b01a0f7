// `daybook stats` tells of a store and of a server the same.
import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { statsCommand } from "../../src/cli/stats.ts";
import { ADMIN_TOKEN, chat, startDaybook } from "../support/daybook.ts";

async function run(env: Record<string, string>, ...flags: string[]): Promise<string> {
  let text = "";
  const out = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  const home = env.DAYBOOK_HOME ?? "/nowhere";
  const command = statsCommand({ env, cwd: home, homedir: home, out, now: Date.now });
  await command.exitOverride().parseAsync(flags, { from: "user" });
  return text;
}

test("stats of the store and of its server are the same, under every filter", async (t) => {
  const daybook = await startDaybook(t);
  await chat(daybook.url);
  await chat(daybook.url, { model: "no-such-model" });
  await daybook.settle();
  const here = { DAYBOOK_HOME: daybook.home };
  const there = { DAYBOOK_URL: daybook.url, DAYBOOK_TOKEN: ADMIN_TOKEN };
  const totals: unknown[] = [];
  for (const flags of [
    ["--kind", "inference"],
    ["--status", "error", "--since", "1h"],
    ["--filter", "model=demo"],
  ]) {
    const local = await run(here, "--json", ...flags);
    assert.equal(local, await run(there, "--json", ...flags));
    totals.push(JSON.parse(local).total_requests);
  }
  assert.deepEqual(totals, [2, 1, 1]);
  assert.match(await run(here, "--filter", "model=demo"), /^total_requests +1$/m);
});

test("what is no filter is refused before anybody is asked", async () => {
  const nowhere = { DAYBOOK_URL: "http://127.0.0.1:9", DAYBOOK_TOKEN: ADMIN_TOKEN };
  await assert.rejects(run(nowhere, "--filter", "limit=5"), { code: "bad_query" });
  await assert.rejects(run(nowhere, "--filter", "model"), { code: "bad_argument" });
});
