import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { referencePages } from "../../scripts/reference-pages.ts";
import { VERBS } from "../../src/cli/main.ts";
import { ERRORS } from "../../src/event/errors.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

for (const [name, text] of Object.entries(referencePages())) {
  test(`docs/reference/${name} says what the code says (else run: npm run docs)`, () => {
    assert.equal(read(`docs/reference/${name}`), text);
  });
}

test("every verb of the CLI is documented, and nothing else is", () => {
  const documented = [...read("docs/reference/cli.md").matchAll(/^## `daybook ([a-z-]+)/gm)].map(
    ([, verb]) => verb,
  );
  assert.deepEqual(documented.sort(), VERBS.map(({ name }) => name).sort());
});

test("every error code is thrown somewhere", () => {
  const files = readdirSync(join(root, "src"), { recursive: true })
    .map(String)
    .filter((file) => file.endsWith(".ts") && file !== "event/errors.ts");
  const source = files.map((file) => read(`src/${file}`)).join("\n");
  const unused = Object.keys(ERRORS).filter((code) => !source.includes(`"${code}"`));
  assert.deepEqual(unused, []);
});

test("every link between the documents leads somewhere", () => {
  const pages = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    ...readdirSync(join(root, "docs"), { recursive: true }).map((file) => `docs/${file}`),
  ];
  for (const page of pages.filter((name) => name.endsWith(".md"))) {
    for (const [, target = ""] of read(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      assert.doesNotThrow(() => read(join(dirname(page), target)), `${page} → ${target}`);
    }
  }
});
