import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { VERBS } from "../../src/cli/main.ts";
import { makeTrail } from "../read/trail.ts";

const BIN = fileURLToPath(new URL("../../bin/daybook.mjs", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return spawn(process.execPath, [BIN, ...args], {
    env: { PATH: process.env.PATH, HOME: "/nonexistent", ...env },
  });
}

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = start(args, env);
  const written = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    written.out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    written.err += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...written };
}

test("--help names every verb, and --version the version", async () => {
  const [help, version] = await Promise.all([run(["--help"]), run(["--version"])]);
  assert.equal(help.code, 0);
  for (const { name, about } of VERBS) assert.match(help.out, new RegExp(`^ +${name} +${about}`, "m"));
  const { version: expected } = JSON.parse(
    await readFile(new URL("../../package.json", import.meta.url), "utf8"),
  );
  assert.deepEqual(version, { code: 0, out: `${expected}\n`, err: "" });
});

test("each verb has its own help, under its own name", async () => {
  for (const { name, load } of VERBS) {
    const verb = await load();
    assert.equal(verb.name(), name);
    assert.ok(verb.description().length > 0);
  }
  const helped = await run(["help", "log"]);
  assert.deepEqual([helped.code, /--include-system/.test(helped.out)], [0, true]);
});

test("whoever reads a configuration takes a profile of it", async () => {
  const takes = (command: Command, flag: string) => command.options.some(({ long }) => long === flag);
  const leaves = (command: Command): Command[] =>
    command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
  const verbs = await Promise.all(VERBS.map(({ load }) => load()));
  const reading = verbs.flatMap(leaves).filter((command) => takes(command, "--config"));
  assert.ok(reading.length > 30, `${reading.length} commands`);
  const without = reading.filter((command) => !takes(command, "--profile"));
  assert.deepEqual(
    without.map((command) => command.name()),
    [],
  );
});

test("a wrong command ends with code 2 and one clear sentence", async () => {
  const wrong: [args: string[], said: RegExp][] = [
    [[], /Usage: daybook/],
    [["lgo"], /unknown command 'lgo'\n\(Did you mean log\?\)/],
    [["log", "--limt", "5"], /unknown option '--limt'\n\(Did you mean --limit\?\)/],
    [["log", "--since", "soon"], /^since must be 2026-01-31 /],
    [["log", "--limit", "0"], /^--limit takes/],
    [["simulate", "--port", "99999"], /port from 0 to 65535/],
  ];
  const ended = await Promise.all(wrong.map(([args]) => run(args)));
  for (const [index, { code, out, err }] of ended.entries()) {
    const [args, said] = wrong[index] ?? assert.fail();
    assert.equal(code, 2, args.join(" "));
    assert.equal(out, "");
    assert.match(err, said);
    assert.ok(!err.includes("    at "), "no stack");
  }
});

test("a failure ends with code 1 and says what to do", async () => {
  const missing = await run(["log", "--config", "/nowhere/daybook.yaml"]);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /^Cannot read the configuration file \/nowhere\/daybook.yaml/);
  const empty = await run(["log"], { DAYBOOK_HOME: "/nowhere" });
  assert.deepEqual(empty, {
    code: 1,
    out: "",
    err: "Audit database not found. Nothing was recorded yet in /nowhere.\n",
  });
});

test("log reads the trail in a pipe", async () => {
  await using trail = await makeTrail({ model: "a" }, { model: "b" });
  const { code, out, err } = await run(["log", "--json"], { DAYBOOK_HOME: trail.folder });
  assert.deepEqual([code, err], [0, ""]);
  assert.deepEqual(
    out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).model),
    ["b", "a"],
  );
});

test("a reader that has seen enough is no failure", async () => {
  await using trail = await makeTrail(
    ...Array.from({ length: 3000 }, (_, index) => ({ model: `m${index}` })),
  );
  const child = start(["log", "--json", "--limit", "3000"], { DAYBOOK_HOME: trail.folder });
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  await once(child.stdout, "data");
  child.stdout.destroy();
  const [code] = (await once(child, "close")) as [number | null];
  assert.deepEqual([code, err], [0, ""]);
});

test("simulate prints its address and ends on SIGTERM", async (t) => {
  const child = start(["simulate"]);
  t.after(() => child.kill("SIGKILL"));
  const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  const answer = await fetch(`${line.trim()}/v1/models`);
  assert.equal(answer.status, 200);
  await answer.arrayBuffer();
  const taken = await run(["simulate", "--port", new URL(line).port]);
  assert.equal(taken.code, 1);
  assert.match(taken.err, /^Cannot listen on 127\.0\.0\.1:\d+: the address is in use/);
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "close"), [0, null]);
});

test("docs/reference/cli.md has a section for every verb and every option", async () => {
  const text = await readFile(new URL("../../docs/reference/cli.md", import.meta.url), "utf8");
  const sections = new Map(
    text
      .split(/^## /m)
      .slice(1)
      .map((section) => [/^`daybook (\w+)/.exec(section)?.[1], section]),
  );
  assert.deepEqual(
    [...sections.keys()].filter((name) => name !== undefined),
    VERBS.map(({ name }) => name),
  );
  for (const { name, load } of VERBS) {
    const verb = await load();
    for (const { long } of [verb, ...verb.commands].flatMap(({ options }) => options))
      assert.ok(sections.get(name)?.includes(`\`${long}`), `${name} ${long}`);
  }
});
