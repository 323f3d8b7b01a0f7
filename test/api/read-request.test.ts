// Bodies and parameters that a route does not take: refused by name, never by value, and recorded as what was tried.
import assert from "node:assert/strict";
import { test } from "node:test";
import { serveApi } from "./served-api.ts";

const JSON_TYPE = { "content-type": "application/json" };
const CANARY = "canary-5d1e";

test("what a body may not hold is refused by name, and is the one event of a change that was not made", async () => {
  await using api = await serveApi();
  const asked: [body: string, headers: Record<string, string>, status: number, said: RegExp][] = [
    ["", {}, 400, /^name: /],
    [`{"name": "${CANARY}"`, JSON_TYPE, 400, /not valid/],
    [`[]`, JSON_TYPE, 400, /The body: /],
    [`{"name": 5}`, JSON_TYPE, 400, /^name: .*string/],
    [`{"name": "a", "nmae": "${CANARY}"}`, JSON_TYPE, 400, /There is no member "nmae" here\./],
    [`{"name": "a", "expires_at": "${CANARY}"}`, JSON_TYPE, 400, /^expires_at: /],
    [`{"name": "a", "expires_at": "2001-01-01T00:00:00Z"}`, JSON_TYPE, 400, /in the future/],
    [`{"name": "a", "models": "${CANARY}"}`, JSON_TYPE, 400, /^models: /],
    [`{"name": "sk-proj-${"x1y2".repeat(8)}"}`, JSON_TYPE, 400, /^name looks like a secret/],
    [`{"name": "${"a".repeat(129)}"}`, JSON_TYPE, 400, /^name must be one line of 1 to 128 characters/],
    [`{"name": "a", "user_id": "${CANARY}"}`, JSON_TYPE, 404, /There is no user/],
    [`{"name": "${"a".repeat(1_100_000)}"}`, JSON_TYPE, 413, /larger than the limit/],
    [`{"name": "a"}`, { "content-type": "text/plain" }, 400, /not valid/],
    [`{"__proto__": {"name": "a"}}`, JSON_TYPE, 400, /not valid/],
  ];
  for (const [body, headers, status, said] of asked) {
    const before = api.events.length;
    const answer = await api.ask("/admin/api-keys", { method: "POST", headers, body });
    const what = `${body.slice(0, 60)} ${answer.text}`;
    assert.equal(answer.status, status, what);
    assert.match((answer.json as { detail: string }).detail, said);
    assert.equal(api.events.length, before + 1, what);
    const event = api.events.at(-1);
    assert.deepEqual(
      [event?.kind, event?.action, event?.entity_type, event?.entity_id, event?.status_code],
      ["admin", "api_key_created", "api_key", null, status],
    );
  }
  assert.ok(!JSON.stringify(api.events).includes(CANARY));
  assert.deepEqual(await api.parts.keys.list({ limit: 10, after: null }), []);
});

test("parameters that a path does not take, or takes once, are refused", async () => {
  await using api = await serveApi();
  for (const [search, said] of [
    ["limit=0", /^limit: /],
    ["limit=1001", /^limit: /],
    ["limit=x", /^limit: /],
    ["limit=1&limit=2", /limit is given 2 times/],
    ["offset=5", /There is no parameter "offset" here/],
    ["cursor=abc", /not one that Daybook gave out/],
  ] as const) {
    const answer = await api.ask(`/admin/api-keys?${search}`);
    assert.equal(answer.status, 400, search);
    assert.match((answer.json as { detail: string }).detail, said);
  }
});

test("a list's next page is linked to, until there is none", async () => {
  await using api = await serveApi();
  for (let n = 0; n < 5; n++) await api.parts.keys.create({ caller: "cli" }, { name: `key ${n}` });
  const seen: string[] = [];
  let path: string | undefined = "/admin/api-keys?limit=2";
  while (path !== undefined) {
    const { json, headers } = await api.ask(path);
    seen.push(...(json as { id: string }[]).map(({ id }) => id));
    path = /^<([^>]*)>; rel="next"$/.exec(String(headers.link ?? ""))?.[1];
  }
  assert.equal(new Set(seen).size, 5);
  assert.equal(seen.length, 5);
});
