// An agent's calls of models and of tools are one session when they say so, whatever MCP's own sessions are.
import assert from "node:assert/strict";
import { test } from "node:test";
import { callTool, postMcp } from "../mcp/call.ts";
import { startScripted } from "../mcp/scripted-server.ts";
import { chat, startDaybook } from "../support/daybook.ts";

test("calls of models and of tools that name a session are one session, with one cost", async (t) => {
  const server = await startScripted(t);
  const daybook = await startDaybook(t, {
    yaml: `mcp: { servers: [{ name: scripted, url: "${server.url}" }] }\n`,
  });
  const headers = { "x-session-id": "run-7" };
  await chat(daybook.url, { headers });
  await chat(daybook.url, { headers, stream: true });
  await postMcp(daybook.url, callTool("fine"), { headers: { ...headers, "mcp-session-id": "s1" } });
  await postMcp(daybook.url, callTool("fine"), { headers: { "mcp-session-id": "s1" } });
  await chat(daybook.url);
  await chat(daybook.url, { headers: { "x-session-id": "no id" } });
  const events = await daybook.events("kind=inference&kind=mcp");
  assert.deepEqual(
    events.map(({ kind, session_id }) => [kind, session_id]),
    [
      ["inference", "run-7"],
      ["inference", "run-7"],
      ["mcp", "run-7"],
      ["mcp", "s1"],
      ["inference", null],
      ["inference", null],
    ],
  );
  const { json } = await daybook.ask("/admin/audit-logs/sessions?session_id=run-7");
  const { sessions } = json as { sessions: { by_kind: object; cost_micros: number }[] };
  assert.deepEqual(sessions[0]?.by_kind, { inference: 2, mcp: 1 });
  assert.equal(
    sessions[0]?.cost_micros,
    events.slice(0, 2).reduce((sum, { cost_micros: cost }) => sum + (cost ?? 0), 0),
  );
});
