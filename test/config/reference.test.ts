// The reference page says everything that the schema knows, and nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OPTIONS } from "../../src/config/options.ts";
import { configurationMarkdown } from "../../src/config/reference.ts";

test("every option is documented: type, purpose of it or its group, variable", () => {
  const page = configurationMarkdown();
  for (const { name, type, about, variable } of OPTIONS) {
    assert.ok(page.includes(`| \`${name}\` | ${type} |`), name);
    if (variable !== null) assert.ok(page.includes(`\`${variable}\``), variable);
    const group = OPTIONS.find((option) => option.name === name.slice(0, name.lastIndexOf(".")));
    assert.notEqual(about || group?.about || "", "", name);
  }
});

test("every option outside of lists and free maps has a variable of its own", () => {
  const variables = OPTIONS.flatMap(({ variable }) => variable ?? []);
  assert.equal(new Set(variables).size, variables.length);
  for (const variable of ["DAYBOOK_LISTEN", "DAYBOOK_STORE", "DAYBOOK_HOME", "DAYBOOK_JOURNAL_MAX_MB"]) {
    assert.ok(variables.includes(variable), variable);
  }
  assert.ok(!variables.some((variable) => variable.includes("PROVIDERS") || variable.includes("PROFILES")));
});

test("each row of the tables has as many cells as its head", () => {
  const rows = configurationMarkdown()
    .split("\n")
    .filter((line) => line.startsWith("|"));
  for (const row of rows)
    assert.ok([3, 4, 5, 6].includes(row.replaceAll("\\|", "").split("|").length - 1), row);
});
