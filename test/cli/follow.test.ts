// `daybook log --follow`, of this machine's store and of another Daybook.
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { logCommand } from "../../src/cli/log.ts";
import type { EventJson } from "../../src/event/json.ts";
import { ADMIN_TOKEN, chat, startDaybook } from "../support/daybook.ts";
import { until } from "../support/until.ts";

test("log --follow shows what was and what comes, once and in order, here and there", async (t) => {
  const daybook = await startDaybook(t);
  const { home, url } = daybook;
  for (let n = 0; n < 3; n++) await chat(url);
  await daybook.settle();
  const there = { DAYBOOK_URL: url, DAYBOOK_TOKEN: ADMIN_TOKEN };
  const runs = [{ DAYBOOK_HOME: home }, there].map((env) => {
    const stop = new AbortController();
    const written = { out: "", err: "" };
    const stream = (name: "out" | "err") =>
      new PassThrough({ encoding: "utf8" }).on("data", (text: string) => {
        written[name] += text;
      });
    const command = logCommand({
      env,
      cwd: home,
      homedir: home,
      out: stream("out"),
      err: stream("err"),
      now: Date.now,
      lag: async () => null,
      stop: stop.signal,
    });
    const done = command.parseAsync(["--follow", "--json", "--limit", "2", "--kind", "inference"], {
      from: "user",
    });
    const events = () =>
      written.out
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as EventJson);
    return { stop, done, events, written };
  });
  for (const { events } of runs) await until(() => events().length === 2);
  for (let n = 0; n < 4; n++) await chat(url);
  for (const { events } of runs) await until(() => events().length === 6);
  const expected = (await daybook.events("kind=inference")).slice(1);
  for (const { stop, done, events, written } of runs) {
    assert.deepEqual(events(), expected);
    stop.abort();
    await done;
    assert.equal(written.err, "");
  }
  // Each left one event when it began.
  assert.equal((await daybook.events("kind=system&action=subscribed")).length, 2);
});
