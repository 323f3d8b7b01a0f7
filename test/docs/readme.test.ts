// What README.md tells people to write is accepted.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../src/config/load-config.ts";
import { tempFolder } from "../support/temp.ts";

test("each configuration in README.md can be used as it is", async () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const blocks = [...readme.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml = ""]) => yaml);
  assert.ok(blocks.length > 0);
  for (const yaml of blocks) {
    const folder = tempFolder();
    writeFileSync(join(folder, "daybook.yaml"), yaml);
    const variables = [...yaml.matchAll(/\$\{(\w+)\}/g)].map(([, name = ""]) => [name, "sk-of-an-example"]);
    const env = { ...Object.fromEntries(variables), DAYBOOK_HOME: folder };
    const config = await loadConfig({ env, cwd: folder, homedir: folder, flags: {} });
    assert.ok(config.providers.length > 0 && config.routes.length > 0);
  }
});
