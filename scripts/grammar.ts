// Makes src/query/text-grammar.ts of src/query/text.peggy. It is committed, so that nothing is made at run time: the
// dashboard's content security policy allows no eval. A test fails when it is stale.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import peggy from "peggy";

const HEAD = `// Made from text.peggy by \`npm run grammar\`: change that instead.
// @ts-nocheck
`;

const folder = fileURLToPath(new URL("../src/query/", import.meta.url));

export function grammarModule(): string {
  const grammar = readFileSync(`${folder}text.peggy`, "utf8");
  const made = peggy.generate(grammar, { output: "source", format: "es", grammarSource: "text.peggy" });
  return HEAD + made.slice(made.indexOf("\n\n") + 2).trimStart();
}

if (import.meta.main) writeFileSync(`${folder}text-grammar.ts`, grammarModule());
