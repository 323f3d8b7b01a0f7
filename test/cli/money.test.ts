// credits and limits, on the data folder itself and beside a running server.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { AdminParts } from "../../src/cli/admin.ts";
import { creditsCommand, creditsText, microsOf } from "../../src/cli/credits.ts";
import { limitsCommand } from "../../src/cli/limits.ts";
import { usersCommand } from "../../src/cli/users.ts";
import { ADMIN_TOKEN, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { runCommand } from "./written.ts";

const VERBS = { credits: creditsCommand, limits: limitsCommand, users: usersCommand };

async function daybook(
  env: Record<string, string>,
  verb: keyof typeof VERBS,
  ...args: string[]
): Promise<string> {
  const written = await runCommand(({ out, err }: Pick<AdminParts, "out" | "err">) => {
    const stdin = Readable.from([]);
    const command = VERBS[verb]({ env, cwd: "/", homedir: "/nowhere", stdin, out, err, now: Date.now });
    for (const each of [command, ...command.commands]) {
      each.exitOverride();
      each.configureOutput({ writeErr: () => {} });
    }
    return command;
  }, args);
  return written.out;
}

test("amounts are read and written as credits with six decimals, exactly", () => {
  for (const [text, micros] of [
    ["1", 1_000_000],
    ["0.000001", 1],
    ["12.5", 12_500_000],
    ["-0.25", -250_000],
    ["+3", 3_000_000],
    ["999999999.999999", 999_999_999_999_999],
  ] as const) {
    assert.equal(microsOf(text), micros);
    assert.equal(microsOf(creditsText(micros)), micros);
  }
  for (const text of ["", "1.", ".5", "1.0000001", "1e3", "1,5", "0x1", "one"])
    assert.throws(() => microsOf(text), { code: "bad_argument" }, text);
});

test("credit is granted, adjusted, reversed, listed and shown on a data folder", async () => {
  const env = { DAYBOOK_HOME: tempFolder() };
  await daybook(env, "users", "create", "ana", "--role", "viewer");
  const { id } = JSON.parse(await daybook(env, "credits", "grant", "ana", "5", "--reason", "May", "--json"));
  assert.match(
    await daybook(env, "credits", "adjust", "ana", "--by", "-1.25", "--reason", "twice"),
    /credits +-1\.250000/,
  );
  assert.match(await daybook(env, "credits", "show", "ana"), /balance +3\.750000/);
  await daybook(env, "credits", "reverse", "ana", id, "--reason", "oops");
  const balance = JSON.parse(await daybook(env, "credits", "show", "ana", "--json"));
  assert.deepEqual([balance.balance_microcredits, balance.enforced], [-1_250_000, true]);
  const list = await daybook(env, "credits", "list", "ana");
  assert.match(
    list,
    /^id +kind +credits +reason.*\ncrd_\w+ +reversal +-5\.000000 +oops.*\n.*adjustment.*\n.*grant +5\.000000 +May/,
  );
  assert.equal(JSON.parse(await daybook(env, "credits", "list", "ana", "--json")).length, 3);
  await assert.rejects(daybook(env, "credits", "grant", "ana", "much", "--reason", "x"), {
    code: "bad_argument",
  });
  await assert.rejects(daybook(env, "credits", "grant", "nobody", "1", "--reason", "x"), { code: "refused" });
});

test("limits are set, shown and removed beside a running server, which holds to them", async (t) => {
  const running = await startDaybook(t);
  const [key] = (await running.ask("/admin/api-keys")).json as { id: string }[];
  const env = { DAYBOOK_URL: running.url, DAYBOOK_TOKEN: ADMIN_TOKEN };
  const local = { DAYBOOK_HOME: running.home };
  const whose = ["--key", String(key?.id)];
  const set = await daybook(
    env,
    "limits",
    "set",
    ...whose,
    "--requests-per-minute",
    "7",
    "--tokens-per-day",
    "none",
  );
  assert.match(set, /requests per minute +7\n.*tokens per day +none/);
  const shown = JSON.parse(await daybook(local, "limits", "show", ...whose, "--json"));
  assert.deepEqual(shown.limits, { requests_per_minute: 7, tokens_per_day: null });
  assert.match(await daybook(local, "limits", "remove", ...whose), /configuration hold/);
  assert.deepEqual(JSON.parse(await daybook(env, "limits", "show", ...whose, "--json")).limits, {});
  for (const args of [
    ["show"],
    ["show", "--key", "a", "--user", "b"],
    ["set", ...whose],
    ["set", ...whose, "--tokens-per-day", "-1"],
  ])
    await assert.rejects(daybook(env, "limits", ...args), { code: "bad_argument" }, args.join(" "));
});
