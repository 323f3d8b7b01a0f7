import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { apiMarkdown } from "../../src/api/reference.ts";
import { ROUTES } from "../../src/api/routes.ts";
import { PARAMETERS } from "../../src/query/vocabulary.ts";

test("docs/reference/api.md is what the routes and parameters say", async () => {
  const written = await readFile(new URL("../../docs/reference/api.md", import.meta.url), "utf8");
  assert.equal(written, apiMarkdown(), "run `npm run docs`");
  for (const { path } of ROUTES) assert.ok(written.includes(`| \`${path}\` |`), path);
  for (const { name } of PARAMETERS) assert.ok(written.includes(`| \`${name}\` |`), name);
});
