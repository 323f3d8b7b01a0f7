// `daybook completion`: what a shell offers after what was typed.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { completionCommand } from "../../src/cli/completion.ts";
import { VERBS } from "../../src/cli/main.ts";
import { runCommand } from "./written.ts";

async function scriptFor(shell: string): Promise<string> {
  const verbs = () => Promise.all(VERBS.map(({ load }) => load()));
  return (await runCommand(({ out }) => completionCommand({ out, verbs }), [shell])).out;
}

/** What bash offers at the end of a line. */
function offered(script: string, line: string): string[] {
  const words = line.split(" ").map((word) => `'${word}'`);
  const asked = `${script}
COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _daybook; printf '%s\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", asked], { encoding: "utf8" }).split("\n").filter(Boolean);
}

const without = (shell: string) =>
  spawnSync(shell, ["--version"]).error === undefined ? false : `${shell} is not installed`;

test("bash completes verbs, verbs of verbs, options and values", { skip: without("bash") }, async () => {
  const script = await scriptFor("bash");
  assert.deepEqual(offered(script, "daybook lo"), ["log"]);
  assert.deepEqual(offered(script, "daybook users act"), ["activity"]);
  assert.deepEqual(offered(script, "daybook --no-such users activity --min"), ["--min-actions"]);
  assert.deepEqual(offered(script, "daybook log --status users --col"), ["--columns"]);
  assert.deepEqual(offered(script, "daybook completion f"), ["fish"]);
  assert.deepEqual(offered(script, "daybook log some-file"), []);
  const verbs = offered(script, "daybook ");
  for (const { name } of VERBS) assert.ok(verbs.includes(name), name);
});

test("zsh and fish are told the same words", async () => {
  const [bash, zsh, fish] = await Promise.all(["bash", "zsh", "fish"].map(scriptFor));
  const wordsOf = (script = "") => /^_daybook_words\(\) \{[\s\S]*?^\}$/m.exec(script)?.[0];
  assert.equal(wordsOf(zsh), wordsOf(bash));
  assert.ok(fish?.includes(`-n 'test (_daybook_path) = "users activity"' -l min-actions -d 'leave out`));
  for (const shell of ["zsh", "fish"])
    if (!without(shell)) execFileSync(shell, ["-n"], { input: shell === "zsh" ? zsh : fish });
});

test("another shell is refused", async () => {
  await assert.rejects(
    runCommand(({ out }) => completionCommand({ out, verbs: async () => [] }).exitOverride(), ["tcsh"]),
    { code: "commander.invalidArgument" },
  );
});
