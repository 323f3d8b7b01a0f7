// daybook policy: on the data folder itself, and against another Daybook.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { AdminParts } from "../../src/cli/admin.ts";
import { policyCommand } from "../../src/cli/policy.ts";
import { ADMIN_TOKEN, chat, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { runCommand } from "./written.ts";

type Env = Record<string, string>;

async function daybook(env: Env, ...args: readonly string[]) {
  const make = ({ out, err }: Pick<AdminParts, "out" | "err">) => {
    const streams = { stdin: Readable.from([""]), out, err };
    const command = policyCommand({ env, cwd: "/", homedir: "/nowhere", ...streams, now: Date.now });
    for (const each of [command, ...command.commands]) {
      each.exitOverride();
      each.configureOutput({ writeErr: () => {} });
    }
    return command;
  };
  return runCommand(make, args);
}

const asJson = async (env: Env, ...args: readonly string[]) =>
  JSON.parse((await daybook(env, ...args, "--json")).out);

test("policies are added, tried on the trail, replaced and removed", async (t) => {
  const there = await startDaybook(t);
  const env = { DAYBOOK_URL: there.url, DAYBOOK_TOKEN: ADMIN_TOKEN };
  await chat(there.url);
  await chat(there.url, { stream: true });
  await there.settle();
  const proposal = [
    "--match",
    "kind=inference",
    "--match",
    "model=demo",
    "--match",
    "model=gpt-*",
    "--when",
    "!stream",
  ];
  const deny = [...proposal, "--effect", "deny", "--reason", "Stream it."];
  const tried = await asJson(env, "dry-run", "no-demo", ...deny);
  assert.deepEqual(
    [tried.judged, tried.changed, tried.unchanged, tried.unknown, tried.complete],
    [2, 1, 1, 0, true],
  );
  assert.match((await daybook(env, "dry-run", ...deny, "--q", "model:demo since:1h")).out, /n\/a → deny +1/);
  const made = await asJson(env, "add", "no-demo", ...deny, "--justification", "asked for");
  assert.deepEqual([made.match, made.enabled], [{ kind: ["inference"], model: ["demo", "gpt-*"] }, true]);
  assert.match(
    (await daybook(env, "list")).out,
    /no-demo +deny +model=demo,model=gpt-\*,kind=inference +!stream/,
  );
  assert.equal((await chat(there.url)).status, 403);
  await daybook(env, "replace", made.id, "no-demo", "--effect", "deny", "--disable");
  assert.equal((await chat(there.url)).status, 200);
  await assert.rejects(
    daybook(env, "add", "tool", "--match", "tool=x", "--effect", "deny"),
    /no member "tool" in match, which takes name, model, user, key, server, /,
  );
  assert.match((await daybook(env, "remove", "no-demo")).out, /Removed/);
  assert.deepEqual(await asJson(env, "list"), []);
  const [created] = await there.events("action=policy_created");
  assert.equal(created?.justification, "asked for");
});

test("a request is tried on the policies of the file without a server, and a denial is exit code 1", async () => {
  const home = tempFolder();
  writeFileSync(
    join(home, "daybook.yaml"),
    `policies:
  - { name: etc, match: { kind: mcp, name: "write_*" }, when: arguments.path.startsWith("/etc/"), effect: deny }
profiles: { lax: { policies: [] } }
`,
  );
  const env = { DAYBOOK_HOME: home };
  const ask = ["test", "--server", "files", "--tool", "write_file", "--arguments", '{"path":"/etc/x"}'];
  const denied = await daybook(env, ...ask);
  assert.match(denied.out, /decision +deny/);
  assert.equal(denied.code, 1);
  const lax = await daybook(env, ...ask, "--profile", "lax");
  assert.match(lax.out, /decision +n\/a/);
  assert.equal(lax.code, undefined);
  const alone = await asJson(
    env,
    "test",
    ...["--model", "gpt-4o", "--max-tokens", "9", "--when", "max_tokens > 8", "--effect", "warn"],
  );
  assert.deepEqual([alone.decision, alone.policies], ["warn", ["test"]]);
});

test("what is wrong with a policy is said", async () => {
  const env = { DAYBOOK_HOME: tempFolder() };
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [["add", "p"], /needs --effect/],
    [["add", "p", "--effect", "deny", "--match", "model"], /what=glob/],
    [["add", "p", "--effect", "deny", "--match", "color=red"], /color/],
    [["add", "p", "--effect", "deny", "--when", "usr == 1"], /when: Unknown variable: usr/],
    [["add", "p p", "--effect", "deny"], /name/],
    [["test", "--arguments", "{"], /JSON object/],
    [["remove", "pol_none"], /no policy/],
  ];
  for (const [args, message] of refused) await assert.rejects(daybook(env, ...args), message, args.join(" "));
});
