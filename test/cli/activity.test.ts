// What people and sessions did, as the command line and the typed client tell it: of a folder, of a server, and to who may
// read events of their own only.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { sessionsCommand } from "../../src/cli/activity.ts";
import type { AdminParts } from "../../src/cli/admin.ts";
import { usersCommand } from "../../src/cli/users.ts";
import { createClient } from "../../src/client/client.ts";
import type { SessionsJson, UsersJson } from "../../src/read/activity-json.ts";
import { ADMIN_TOKEN, chat, startDaybook } from "../support/daybook.ts";
import { runCommand } from "./written.ts";

const VERBS = { users: usersCommand, sessions: sessionsCommand };

async function daybook(env: Record<string, string>, verb: keyof typeof VERBS, ...args: string[]) {
  const home = env.DAYBOOK_HOME ?? "/nowhere";
  const make = ({ out, err }: Pick<AdminParts, "out" | "err">) => {
    const stdin = Readable.from([]);
    const command = VERBS[verb]({ env, cwd: home, homedir: home, stdin, out, err, now: Date.now });
    for (const each of [command, ...command.commands]) {
      each.exitOverride();
      each.configureOutput({ writeErr: () => {} });
    }
    return command;
  };
  return (await runCommand(make, args)).out;
}

test("users and sessions are told the same of a folder, of its server and by the client; of one's own to a viewer", async (t) => {
  const { url, home, ask, settle } = await startDaybook(t);
  const made = async (path: string, body: object) =>
    (await ask(path, { method: "POST", body })).json as Record<string, string>;
  const secrets = new Map<string, string>();
  for (const name of ["ana", "bob"]) {
    const { id = "" } = await made("/admin/users", { name, role: "viewer" });
    const { secret: key = "" } = await made("/admin/api-keys", { name: `key of ${name}`, user_id: id });
    const { secret = "" } = await made("/admin/tokens", {
      name: `token of ${name}`,
      role: "viewer",
      user_id: id,
    });
    secrets.set(name, secret);
    for (const [session, model] of name === "ana"
      ? [
          ["night", "demo"],
          ["night", "none"],
          ["day", "demo"],
        ]
      : [["day", "demo"]])
      await chat(url, {
        model: model ?? "",
        headers: { authorization: `Bearer ${key}`, "x-session-id": session ?? "" },
      });
  }
  await settle();
  const here = { DAYBOOK_HOME: home };
  const there = { DAYBOOK_URL: url, DAYBOOK_TOKEN: ADMIN_TOKEN };
  const users = async (env: Record<string, string>, ...args: string[]) =>
    (
      JSON.parse(
        await daybook(env, "users", "activity", "--json", "--kind", "inference", ...args),
      ) as UsersJson
    ).users;
  const sessions = async (env: Record<string, string>, ...args: string[]) =>
    (JSON.parse(await daybook(env, "sessions", "--json", "--kind", "inference", ...args)) as SessionsJson)
      .sessions;

  const all = await users(here);
  assert.deepEqual(
    all.map(({ requests, failed, unique_sessions }) => [requests, failed, unique_sessions]),
    [
      [3, 1, 2],
      [1, 0, 1],
    ],
  );
  assert.deepEqual(await users(there), all);
  assert.deepEqual((await users(there, "--min-actions", "2")).length, 1);
  assert.equal((await users(there, "--bucket", "day"))[0]?.buckets?.length, 1);
  const both = await sessions(here);
  assert.deepEqual(
    both.map(({ session_id, user_ids, requests }) => [session_id, user_ids.length, requests]).sort(),
    [
      ["day", 2, 2],
      ["night", 1, 2],
    ],
  );
  assert.deepEqual(await sessions(there), both);
  assert.match(await daybook(there, "sessions", "--kind", "inference"), /^session +users +requests +failed/);
  assert.match(await daybook(here, "users", "activity", "--kind", "inference"), /^user +requests +failed/);
  await assert.rejects(daybook(there, "sessions", "--days", "0"), {
    code: "remote_refused",
    message: /days[^.]*\. `daybook log/,
  });

  const client = createClient({ url, token: ADMIN_TOKEN });
  const inference = { where: { kind: ["inference" as const] } };
  assert.deepEqual((await client.users(inference)).users, all);
  assert.deepEqual((await client.sessions(inference, { parameters: { days: "1" } })).sessions, both);

  const ana = { DAYBOOK_URL: url, DAYBOOK_TOKEN: secrets.get("ana") ?? "" };
  const own = await users(ana);
  assert.deepEqual(own, [all[0]]);
  assert.deepEqual(
    (await sessions(ana))
      .map(({ session_id, user_ids, requests }) => [session_id, user_ids, requests])
      .sort(),
    [
      ["day", [own[0]?.user_id], 1],
      ["night", [own[0]?.user_id], 2],
    ],
  );
  await assert.rejects(users(ana, "--user", "somebody"), { code: "remote_failed", message: /403/ });
});
