import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { CONTENT_NAMES, CONTENT_NOUNS, CONTENT_WORDS, isContentKey } from "../../src/event/content-keys.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));

/** The compiler's whole output for one file of the tests; empty when all is as the file says. */
async function compiled(file: string, change: (text: string) => string = (text) => text): Promise<string> {
  const folder = await mkdtemp(`${root}test/library/compiled-`);
  try {
    const text = (await readFile(`${root}test/library/${file}`, "utf8")).replaceAll(
      "../../src",
      "../../../src",
    );
    await writeFile(`${folder}/file.ts`, change(text));
    const config = {
      extends: "../../../tsconfig.json",
      compilerOptions: { allowUnusedLabels: true },
      include: ["file.ts"],
    };
    await writeFile(`${folder}/tsconfig.json`, JSON.stringify(config));
    const tsc = `${root}node_modules/.bin/tsc`;
    return await run(process.execPath, [tsc, "-p", folder], { cwd: folder }).then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("annotations that look like content do not compile", async () => {
  assert.equal(await compiled("refused-at-compile-time.ts"), "");
  const unmarked = await compiled("refused-at-compile-time.ts", (text) =>
    text.replaceAll("@ts-expect-error", ""),
  );
  assert.equal(unmarked.split("error TS").length - 1, 9, unmarked);
});

test("what the types refuse is refused when it runs, whatever stands before it", async () => {
  const source = await readFile(`${root}src/library/content-names.ts`, "utf8");
  const listed = source.slice(source.indexOf("ContentWord ="), source.indexOf("/** Names that are"));
  const words = [...listed.matchAll(/"(\w+)"/g)].map(([, word = ""]) => word);
  assert.ok(words.length > 40);
  const known = new Set([...CONTENT_WORDS, ...CONTENT_NOUNS, ...CONTENT_NAMES]);
  assert.deepEqual(
    words.filter((word) => !known.has(word)),
    [],
  );
  const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
  fc.assert(
    fc.property(
      fc.constantFrom(...words),
      fc.stringMatching(/^[a-z]{1,12}$/),
      fc.constantFrom("_", "-", ""),
      (word, before, mark) => {
        assert.ok(isContentKey(word), word);
        const name = mark === "" ? before + capital(word) : before + mark + word;
        assert.ok(isContentKey(name), name);
      },
    ),
    { seed: 9, numRuns: 500 },
  );
});
