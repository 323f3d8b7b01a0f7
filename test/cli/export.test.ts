// Exports, their schedules and reports by the command line, on a data folder itself.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type TestContext, test } from "node:test";
import { exportCommand } from "../../src/cli/export.ts";
import { reportCommand } from "../../src/cli/report.ts";
import { schedulesCommand } from "../../src/cli/schedules.ts";
import { failed } from "../../src/event/outcomes.ts";
import { serveApi, TOKENS } from "../api/served-api.ts";
import { READERS } from "../read/export/readers.ts";
import { makeTrail, type Past, START } from "../read/trail.ts";
import { tempFolder } from "../support/temp.ts";
import { runLog } from "./screen.ts";
import { runCommand } from "./written.ts";

const VERBS = { export: exportCommand, report: reportCommand, schedules: schedulesCommand };

const TOOL = { kind: "mcp", action: "tool" } as const;
/** Named by their durations. */
const PAST: readonly Past[] = [
  { ...TOOL, name: "data_processor", durationMs: 1 },
  { ...TOOL, name: "data_processor", durationMs: 2, outcome: failed("internal_error") },
  { ...TOOL, name: "read_file", durationMs: 3, outcome: failed("internal_error") },
  { kind: "mcp", action: "prompt", name: "data_processor", durationMs: 4 },
  { model: "llama3", durationMs: 5 },
  { ...TOOL, name: "rm", durationMs: 6, policyDecision: "deny", outcome: failed("policy_denied") },
];

/** `true` among the arguments: on a terminal. */
async function daybook(folder: string, verb: keyof typeof VERBS, ...given: (string | true)[]) {
  const args = given.filter((each) => each !== true);
  return await runCommand(
    ({ out, err }) => {
      const stdin = Readable.from([]);
      const env = { DAYBOOK_HOME: folder, DAYBOOK_CONFIG: join(folder, "daybook.yaml") };
      if (!existsSync(env.DAYBOOK_CONFIG)) writeFileSync(env.DAYBOOK_CONFIG, "");
      const now = () => START + 60_000;
      const command = VERBS[verb]({ env, cwd: folder, homedir: "/nowhere", stdin, out, err, now });
      for (const each of [command, ...command.commands]) {
        each.exitOverride();
        each.configureOutput({ writeErr: () => {} });
      }
      return command;
    },
    args,
    given.includes(true),
  );
}

/** Source C's own commands, word for word, and what each must find. */
const WORKFLOWS: readonly [id: string, command: string, file: string | null, found: readonly number[]][] = [
  ["C43", "--policy denied --since 7d --export security-audit.csv", "security-audit.csv", [6]],
  ["C44", "--tool data_processor --status error --since 1d", null, [2]],
  ["C45", "--type tool --status success --export tool-usage.csv", "tool-usage.csv", [1]],
  ["C46", "--type tool --export performance.csv", "performance.csv", [6, 3, 2, 1]],
  ["C47", "--export archive-2024.csv", "archive-2024.csv", [6, 5, 4, 3, 2, 1]],
];

for (const [id, line, file, found] of WORKFLOWS) {
  test(`${id}: log ${line}`, async () => {
    await using trail = await makeTrail(...PAST);
    const { folder } = trail;
    const args = [...line.split(" "), ...(file === null ? ["--json"] : [])];
    const { out, err } = await runLog(args, { env: { DAYBOOK_HOME: folder }, cwd: folder });
    const written = file === null ? Buffer.from(out) : readFileSync(join(folder, file));
    const events = await READERS[file === null ? "jsonl" : "csv"](written);
    assert.deepEqual(
      events.map(({ duration_ms }) => duration_ms),
      found,
    );
    if (file === null) return;
    const sha256 = createHash("sha256").update(written).digest("hex");
    const count = found.length === 1 ? "1 event" : `${found.length} events`;
    assert.deepEqual([out, err], ["", `${count} in ${file} (sha256 ${sha256})\n`]);
  });
}

test("the ending of a file says the format, a flag says it louder, and the file is its owner's alone", async () => {
  await using trail = await makeTrail(...PAST);
  const { folder } = trail;
  const newest = [6, 5, 4, 3, 2, 1];
  for (const [format, ...args] of [
    ["json", "a.json"],
    ["parquet", "a.parquet"],
    ["ecs", "a.ecs.ndjson"],
    ["csv", "a.txt", "--format", "csv"],
  ] as const) {
    await daybook(folder, "export", ...args);
    const events = await READERS[format](readFileSync(join(folder, args[0])));
    assert.deepEqual(
      events.map(({ duration_ms }) => duration_ms),
      newest,
    );
  }
  const piped = await daybook(folder, "export", "--kind", "inference");
  assert.deepEqual(
    (await READERS.jsonl(Buffer.from(piped.out))).map(({ duration_ms }) => duration_ms),
    [5],
  );
});

test("what cannot be exported is refused, and leaves no file behind", async () => {
  await using trail = await makeTrail(...PAST);
  const { folder } = trail;
  for (const [args, code] of [
    [["notes.doc"], "bad_argument"],
    [["a.parquet", "--compression", "gzip"], "bad_argument"],
    [["a.csv", "--since", "yesterday"], "bad_query"],
    [["a.csv", "--filter", "modle=x"], "bad_query"],
    [["nowhere/a.csv"], "bad_argument"],
  ] as const) {
    await assert.rejects(daybook(folder, "export", ...args), { code });
    for (const name of [args[0], `${args[0]}.part`])
      assert.equal(existsSync(join(folder, name)), false, name);
  }
  const log = (...args: string[]) => runLog(args, { env: { DAYBOOK_HOME: folder }, cwd: folder });
  await assert.rejects(log("--export", "a.csv", "--limit", "5"), { code: "bad_argument" });
  await assert.rejects(log("--export", "a.csv", "--follow"), { code: "bad_argument" });
  const empty = await daybook(tempFolder(), "export", "a.csv");
  assert.match(empty.err, /Nothing was recorded yet/);
  assert.equal(empty.code, 1);
});

/** A server that answers every export with `text`, and says of it what is given. */
async function answering(t: TestContext, text: string, trailers: Record<string, string> | null) {
  const server = createServer((_, response) => {
    response.writeHead(200, { trailer: "x-export-rows, x-export-sha256" });
    response.write(text, () => {
      if (trailers === null) return response.destroy();
      response.addTrailers(trailers);
      response.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/below`;
}

test("an export from afar is whole, or there is no file", async (t) => {
  const folder = tempFolder();
  const sha256 = createHash("sha256").update("whole").digest("hex");
  const trailers = { "x-export-rows": "7", "x-export-sha256": sha256 };
  const ask = async (url: string) => {
    const given = { env: { DAYBOOK_URL: url, DAYBOOK_TOKEN: "t" }, cwd: folder };
    return (await runLog(["--export", "a.csv"], given)).err;
  };
  for (const [text, said, message] of [
    ["whole", null, /broke off/],
    ["who", trailers, /sent something else/],
    ["whole", {}, /sent something else/],
  ] as const) {
    await assert.rejects(ask(await answering(t, text, said)), { code: "remote_failed", message });
    assert.deepEqual(readdirSync(folder), []);
  }
  assert.match(await ask(await answering(t, "whole", trailers)), /^7 events in a\.csv/);
  await assert.rejects(ask("http://127.0.0.1:9"), { code: "remote_failed", message: /cannot be reached/ });
  await using api = await serveApi();
  const refused = { env: { DAYBOOK_URL: api.url, DAYBOOK_TOKEN: TOKENS.admin }, cwd: folder };
  await assert.rejects(runLog(["--export", "b.csv", "--filter", "modle=x"], refused), {
    code: "remote_refused",
  });
});

test("on a terminal an export shows how many of how many events are written", async () => {
  await using trail = await makeTrail(...PAST);
  const { err } = await daybook(trail.folder, "export", "a.csv", true);
  assert.match(err, / [06]\/6 events/);
  assert.match(err, /6 events in a\.csv/);
});

test("a report of a period is JSON, CSV, or a page to print", async () => {
  await using trail = await makeTrail(...PAST);
  const { folder } = trail;
  const report = JSON.parse((await daybook(folder, "report", "--period", "2026-01")).out);
  assert.equal(report.period, "2026-01");
  await daybook(folder, "report", "--period", "2026-01", "--out", "r.csv");
  assert.match(readFileSync(join(folder, "r.csv"), "utf8"), /^[a-z_]+,/);
  await daybook(folder, "report", "--period", "2026-01", "--out", "r.html");
  assert.match(readFileSync(join(folder, "r.html"), "utf8"), /^<!doctype html>/i);
  await assert.rejects(daybook(folder, "report", "--period", "2026-13"));
});

test("schedules are made, changed, listed and ended", async () => {
  const folder = tempFolder();
  writeFileSync(join(folder, "daybook.yaml"), "export_targets: [{ name: archive, folder: ./out }]\n");
  const run = async (...args: string[]) =>
    JSON.parse((await daybook(folder, "schedules", ...args, "--json")).out);
  const spec = ["--cron", "0 3 * * *", "--target", "archive", "--format", "csv"];
  const { id } = await run("create", "nightly", ...spec, "--time-zone", "Europe/Berlin", "--status", "error");
  await run("update", id, "--keep", "7", "--disable");
  const [schedule] = await run("list");
  const { name, cron, time_zone, filter, keep, enabled } = schedule;
  assert.deepEqual(
    [name, cron, time_zone, filter, keep, enabled],
    ["nightly", "0 3 * * *", "Europe/Berlin", "status=error", 7, false],
  );
  await assert.rejects(run("create", "nightly", ...spec));
  await daybook(folder, "schedules", "delete", id, "--reason", "moved");
  assert.deepEqual(await run("list"), []);
});
