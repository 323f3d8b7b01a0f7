// A profile has audit settings of its own, is named by its events, and what it switches off is told by an admin event.
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { chat, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";

const YAML = (enabled: boolean) => `
profiles:
  prod:
    store: sqlite:prod.db
    audit: { mcp: { enabled: ${enabled}, arguments: shape } }
`;

test("events name the profile, and lie in its own store", async (t) => {
  const home = tempFolder();
  const daybook = await startDaybook(t, { home, yaml: YAML(true), profile: "prod" });
  await chat(daybook.url);
  const events = await daybook.events("include=system");
  assert.ok(events.length > 1);
  assert.deepEqual(new Set(events.map(({ profile }) => profile)), new Set(["prod"]));
  assert.deepEqual(await daybook.events("profile=dev"), []);
  assert.ok(existsSync(join(home, "prod.db")));
});

test("switching the audit of MCP calls off for a profile is an admin event", async (t) => {
  const home = tempFolder();
  const daybook = await startDaybook(t, { home, yaml: YAML(true), profile: "prod" });
  writeFileSync(join(home, "daybook.yaml"), `listen: 127.0.0.1:0\n${YAML(false)}`);
  const { json } = await daybook.ask("/admin/reload", { method: "POST" });
  assert.deepEqual(json, { changed: ["audit.mcp.enabled"], needs_restart: [] });
  const last = (await daybook.events("kind=admin&action=configuration_changed")).at(-1);
  assert.deepEqual(
    [last?.profile, last?.old_values, last?.new_values],
    ["prod", '{"audit.mcp.enabled":true}', '{"audit.mcp.enabled":false}'],
  );
});
