// `daybook stats` tells of a store and of a server the same.
import assert from "node:assert/strict";
import { Readable, Writable } from "node:stream";
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
  const command = statsCommand({
    env,
    cwd: home,
    homedir: home,
    stdin: Readable.from([]),
    out,
    err: out,
    now: Date.now,
  });
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

test("counts, histograms and facets are those of the API, here and there, and each leaves its event", async (t) => {
  const daybook = await startDaybook(t);
  await chat(daybook.url);
  await chat(daybook.url, { model: "no-such-model" });
  await daybook.settle();
  const here = { DAYBOOK_HOME: daybook.home };
  const there = { DAYBOOK_URL: daybook.url, DAYBOOK_TOKEN: ADMIN_TOKEN };
  const query = ["kind:inference", "-status:success"];
  for (const env of [here, there]) {
    assert.equal(await run(env, "--count", ...query), "1\n");
    const facets = JSON.parse(await run(env, "--json", "--facets", "status,error_code", ...query));
    assert.deepEqual(facets.status, { values: [{ value: "error", requests: 1 }], exact: true });
    assert.match(await run(env, "--facets", "model", "kind:inference"), /^model +demo +1 *$/m);
    assert.match(await run(env, "--histogram", "1h", "kind:inference"), /^from +requests +failed/);
    assert.match(await run(env, "--histogram", "1h", "kind:inference"), /Z +2 +1 /);
  }
  await daybook.settle();
  const callers = await run(here, "--json", "--facets", "caller", "kind:system", "action:queried");
  assert.deepEqual(
    JSON.parse(callers).caller.values.map(({ value, requests }: { value: string; requests: number }) => [
      value,
      requests,
    ]),
    [
      ["cli", 5],
      ["http", 5],
    ],
  );
  await assert.rejects(run(here, "--count", "--facets"), { code: "bad_argument" });
  await assert.rejects(run(here, "--histogram", "1w"), { code: "bad_argument", message: /bucket must be/ });
});

test("what is no filter is refused before anybody is asked", async () => {
  const nowhere = { DAYBOOK_URL: "http://127.0.0.1:9", DAYBOOK_TOKEN: ADMIN_TOKEN };
  await assert.rejects(run(nowhere, "--filter", "limit=5"), { code: "bad_query" });
  await assert.rejects(run(nowhere, "--filter", "model"), { code: "bad_argument" });
});
