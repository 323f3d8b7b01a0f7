// users, tokens and keys: on the data folder itself, beside a running server, and against another Daybook.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { Command } from "commander";
import type { AdminParts } from "../../src/cli/admin.ts";
import { keysCommand } from "../../src/cli/keys.ts";
import { tokensCommand } from "../../src/cli/tokens.ts";
import { usersCommand } from "../../src/cli/users.ts";
import type { EventJson } from "../../src/event/json.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { ADMIN_TOKEN, chat, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { runCommand } from "./written.ts";

const VERBS = { users: usersCommand, tokens: tokensCommand, keys: keysCommand };
const NOW = Date.UTC(2026, 10, 21);

type Env = Record<string, string>;

/** Runs `daybook VERB …`; what it writes. */
async function daybook(
  env: Env,
  verb: keyof typeof VERBS,
  args: readonly string[],
  stdin = "",
): Promise<string> {
  const make = ({ out, err }: Pick<AdminParts, "out" | "err">): Command => {
    const parts = {
      env,
      cwd: "/",
      homedir: "/nowhere",
      stdin: Readable.from([stdin]),
      out,
      err,
      now: () => NOW,
    };
    const command = VERBS[verb](parts);
    for (const each of [command, ...command.commands]) {
      each.exitOverride();
      each.configureOutput({ writeErr: () => {} });
    }
    return command;
  };
  return (await runCommand(make, args)).out;
}

async function asJson(env: Env, verb: keyof typeof VERBS, args: readonly string[], stdin?: string) {
  return JSON.parse(await daybook(env, verb, [...args, "--json"], stdin));
}

async function eventsIn(home: string): Promise<(readonly [string, string, string | null])[]> {
  const store = await openStore(`sqlite:${join(home, "events.db")}`, "read");
  const { events } = await store.query({ where: { kind: ["admin"] }, limit: 100 });
  await store.close();
  return events.reverse().map(({ action, status, caller }) => [action, status, caller]);
}

async function untilTrue(holds: () => Promise<boolean>, deadlineMs: number): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await holds())) assert.ok(performance.now() < end, "it never came true");
}

test("on a data folder without a server, changes are made, recorded and shipped", async () => {
  const home = tempFolder();
  const env = { DAYBOOK_HOME: home };
  const ann = await asJson(
    env,
    "users",
    ["create", "ann", "--role", "viewer", "--password-file", "-"],
    "a long one, indeed\n",
  );
  assert.deepEqual([ann.name, ann.role, ann.password_stored], ["ann", "viewer", true]);
  const key = await asJson(env, "keys", [
    "create",
    "ci",
    "--user",
    "ann",
    "--model",
    "gpt-*",
    "--expires",
    "90d",
  ]);
  assert.deepEqual(
    [key.user_id, key.models, key.expires_at],
    [ann.id, ["gpt-*"], "2027-02-19T00:00:00.000Z"],
  );
  assert.match(key.secret, /^dbk_/);
  const rotated = await asJson(env, "keys", ["rotate", key.id, "--overlap", "10m"]);
  assert.notEqual(rotated.secret, key.secret);
  await daybook(env, "keys", ["revoke", key.id, "--reason", "lost"]);
  const token = await asJson(env, "tokens", [
    "create",
    "bot",
    "--role",
    "admin",
    "--scope",
    "ingest",
    "--scope",
    "audit:read",
  ]);
  assert.deepEqual(token.scopes, ["ingest", "audit:read"]);
  await daybook(env, "tokens", ["revoke", token.id]);
  await daybook(env, "users", ["update", "ann", "--role", "auditor", "--disable"]);
  await daybook(env, "users", ["update", "ann", "--enable", "--name", "anna"]);
  assert.match(await daybook(env, "users", ["list"]), /^id +name +role.*\nusr_\w+ +anna +auditor +true/);
  await daybook(env, "users", ["delete", "anna", "--reason", "left"]);
  assert.deepEqual(await asJson(env, "users", ["list"]), []);
  assert.equal((await asJson(env, "keys", ["list"])).length, 1);
  assert.deepEqual(await eventsIn(home), [
    ["user_created", "success", "cli"],
    ["api_key_created", "success", "cli"],
    ["api_key_rotated", "success", "cli"],
    ["api_key_revoked", "success", "cli"],
    ["token_created", "success", "cli"],
    ["token_revoked", "success", "cli"],
    ["user_updated", "success", "cli"],
    ["user_updated", "success", "cli"],
    ["user_deleted", "success", "cli"],
  ]);
});

test("what cannot be done is refused with one sentence, and recorded", async () => {
  const home = tempFolder();
  const env = { DAYBOOK_HOME: home };
  await assert.rejects(daybook(env, "keys", ["create", "ci", "--user", "bob"]), {
    code: "refused",
    message: /no user "bob"/,
  });
  await assert.rejects(daybook(env, "users", ["create", "ann", "--role", "boss"]), {
    code: "bad_argument",
    message: /role/,
  });
  await assert.rejects(daybook(env, "keys", ["create", "ci", "--expires", "soon"]), { code: "bad_argument" });
  await assert.rejects(
    daybook(env, "users", ["create", "ann", "--role", "admin", "--password-file", "-"], "short"),
    { code: "bad_argument", message: /too weak/ },
  );
  assert.deepEqual(await eventsIn(home), [
    ["api_key_created", "error", "cli"],
    ["user_created", "error", "cli"],
    ["user_created", "error", "cli"],
  ]);
});

test("a running server notices within a moment what the command line changes beside it", async (t) => {
  const { home, url, events } = await startDaybook(t);
  const env = { DAYBOOK_HOME: home };
  const { id, secret } = await asJson(env, "keys", ["create", "beside"]);
  const answers = async (status: number) => {
    const answer = await chat(url, { headers: { authorization: `Bearer ${secret}` } });
    return answer.status === status;
  };
  const started = performance.now();
  await untilTrue(() => answers(200), 5000);
  await daybook(env, "keys", ["revoke", id]);
  await untilTrue(() => answers(401), 5000);
  assert.ok(performance.now() - started < 10_000);
  const refused = (await events("kind=inference&status_code=401")).at(-1) as EventJson;
  assert.deepEqual([refused.error_type, refused.api_key_id], ["key_revoked", id]);
  const changes = (await events("kind=admin&caller=cli")).map(({ action, entity_id }) => [action, entity_id]);
  assert.deepEqual(changes, [
    ["api_key_created", id],
    ["api_key_revoked", id],
  ]);
});

test("against another Daybook, by flag or environment, the same verbs say the same", async (t) => {
  const { url, home, events } = await startDaybook(t);
  const tokenFile = join(home, "token");
  writeFileSync(tokenFile, `${ADMIN_TOKEN}\n`);
  const env = { DAYBOOK_URL: url, DAYBOOK_TOKEN: ADMIN_TOKEN };
  const user = await asJson(env, "users", ["create", "ann", "--role", "viewer"]);
  const token = await asJson({}, "tokens", [
    "create",
    "t",
    "--role",
    "viewer",
    "--user",
    "ann",
    "--url",
    url,
    "--token-file",
    tokenFile,
  ]);
  assert.equal(token.user_id, user.id);
  for (let n = 0; n < 3; n++) await daybook(env, "keys", ["create", `key ${n}`]);
  assert.equal((await asJson(env, "keys", ["list"])).length, 4);
  await assert.rejects(daybook(env, "tokens", ["revoke", "tok_none"]), {
    code: "remote_refused",
    message: /404: There is no token "tok_none"/,
  });
  await assert.rejects(daybook({ DAYBOOK_URL: url, DAYBOOK_TOKEN: token.secret }, "users", ["list"]), {
    code: "remote_failed",
    message: /403: This needs the role admin/,
  });
  assert.deepEqual(
    new Set((await events("kind=admin&method=POST")).map(({ caller }) => caller)),
    new Set(["http"]),
  );
});
