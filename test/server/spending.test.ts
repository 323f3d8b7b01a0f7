// Limits and credit through the whole server: clients refused and let in, events that tell, balances that follow.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { EventJson } from "../../src/event/json.ts";
import { API_KEY, chat, chatBody, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

/** A dollar for a million prompt tokens, ten for a million of the completion: 1 and 10 micros a token. */
const PRICED = `
providers: [{ name: demo, backend_type: simulated }]
routes:
  - model: demo
    providers: [{ provider: demo }]
    price: { prompt_per_million: 1, cached_prompt_per_million: 0.5, completion_per_million: 10 }
`;

interface Client {
  readonly userId: string;
  readonly keyId: string;
  readonly headers: { readonly authorization: string };
}

async function clientOf({ ask }: TestDaybook, name = "ana"): Promise<Client> {
  const made = async (path: string, body: unknown) => {
    const { status, json, text } = await ask(path, { method: "POST", body });
    assert.equal(status, 201, text);
    return json as { id: string; secret: string };
  };
  const user = await made("/admin/users", { name, role: "viewer" });
  const key = await made("/admin/api-keys", { name: `${name}'s`, user_id: user.id });
  return { userId: user.id, keyId: key.id, headers: { authorization: `Bearer ${key.secret}` } };
}

async function grant({ ask }: TestDaybook, userId: string, amount_microcredits: number): Promise<void> {
  const body = { amount_microcredits, reason: "for the test" };
  const { status, text } = await ask(`/admin/users/${userId}/credits/grant`, { method: "POST", body });
  assert.equal(status, 201, text);
}

const sumOf = (events: readonly EventJson[]) =>
  events.reduce((sum, { cost_micros }) => sum + (cost_micros ?? 0), 0);

async function creditsOf({ ask }: TestDaybook, client: Client) {
  const { json, status, text } = await ask("/v1/credits", { token: null, headers: { ...client.headers } });
  assert.equal(status, 200, text);
  return json as Record<string, number | string | boolean>;
}

const inferences = (daybook: TestDaybook) => daybook.events("kind=inference");

test("what an answer cost is on its event, and off its user's balance", async (t) => {
  const daybook = await startDaybook(t, { yaml: PRICED });
  const client = await clientOf(daybook);
  await grant(daybook, client.userId, 1_000_000);
  for (const stream of [false, true]) {
    const { status } = await chat(daybook.url, { ...client, stream, body: { max_tokens: 1000 } });
    assert.equal(status, 200);
  }
  const events = await inferences(daybook);
  assert.equal(events.length, 2);
  for (const { prompt_tokens, completion_tokens, cost_micros } of events) {
    assert.equal(cost_micros, (prompt_tokens ?? 0) + 10 * (completion_tokens ?? 0));
    assert.ok(Number(cost_micros) > 0);
  }
  assert.deepEqual(await creditsOf(daybook, client), {
    user_id: client.userId,
    balance_microcredits: 1_000_000 - sumOf(events),
    granted_microcredits: 1_000_000,
    charged_microcredits: sumOf(events),
    reserved_microcredits: 0,
    enforced: true,
  });
});

test("a request that its user's credit does not cover is 402 before anything is sent, and its event says so", async (t) => {
  const daybook = await startDaybook(t, { yaml: PRICED });
  const client = await clientOf(daybook);
  await grant(daybook, client.userId, 500);
  const { status, text } = await chat(daybook.url, { ...client, body: { max_tokens: 1000 } });
  assert.equal(status, 402);
  assert.match(String(text), /credit does not cover/);
  const [event, ...more] = await inferences(daybook);
  assert.deepEqual(more, []);
  const { error_code, status_code, quota_violation, cost_micros, provider } = event ?? {};
  assert.deepEqual(
    { error_code, status_code, quota_violation, cost_micros, provider },
    {
      error_code: "insufficient_credit",
      status_code: 402,
      quota_violation: "credit",
      cost_micros: null,
      provider: null,
    },
  );
  const { balance_microcredits, reserved_microcredits } = await creditsOf(daybook, client);
  assert.deepEqual([balance_microcredits, reserved_microcredits], [500, 0]);
});

test("a failed call costs nothing; a stream that is left costs what was produced", async (t) => {
  const daybook = await startDaybook(t, { yaml: PRICED });
  const client = await clientOf(daybook);
  await grant(daybook, client.userId, 10_000_000);
  assert.equal((await chat(daybook.url, { ...client, simulate: { status: 500 } })).status, 500);
  const abort = new AbortController();
  const response = await fetch(`${daybook.url}/v1/chat/completions`, {
    method: "POST",
    headers: { ...client.headers, "content-type": "application/json" },
    body: chatBody({ stream: true, simulate: { completion_tokens: 200, pace_ms: 20 } }),
    signal: abort.signal,
  });
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.read();
  abort.abort();
  await assert.rejects(async () => {
    for (;;) if ((await reader?.read())?.done) return;
  });
  await until(async () => (await inferences(daybook)).length === 2);
  const [failed, left] = await inferences(daybook);
  assert.deepEqual([failed?.status, failed?.cost_micros], ["error", null]);
  assert.equal(left?.status, "cancelled");
  assert.equal(left?.cost_micros, (left?.prompt_tokens ?? 0) + 10 * (left?.completion_tokens ?? 0));
  assert.ok(Number(left?.cost_micros) > 0);
  const { charged_microcredits, reserved_microcredits } = await creditsOf(daybook, client);
  assert.deepEqual([charged_microcredits, reserved_microcredits], [left?.cost_micros, 0]);
});

test("a limit per minute is exact through the server: 429 with Retry-After, headers, and one violation event", async (t) => {
  const daybook = await startDaybook(t, { yaml: "quotas: { keys: { requests_per_minute: 40 } }" });
  const answers = await Promise.all(Array.from({ length: 200 }, () => chat(daybook.url)));
  const admitted = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 429);
  assert.deepEqual([admitted.length, refused.length], [40, 160]);
  const left = admitted.map(({ headers }) => Number(headers["x-ratelimit-remaining-requests"]));
  assert.deepEqual(
    left.sort((a, b) => b - a),
    Array.from({ length: 40 }, (_, n) => 39 - n),
  );
  for (const { headers } of refused) {
    assert.ok(Number(headers["retry-after"]) > 0);
    assert.equal(headers["x-ratelimit-limit-requests"], "40");
    assert.equal(headers["x-ratelimit-remaining-requests"], "0");
    assert.match(String(headers["x-ratelimit-reset-requests"]), /^(\d+m)?\d+s$/);
  }
  const events = await inferences(daybook);
  const violations = events.filter(({ quota_violation }) => quota_violation !== null);
  assert.equal(violations.length, 160);
  for (const { error_code, error_type, status_code } of violations)
    assert.deepEqual([error_code, error_type, status_code], ["limit_exceeded", "requests_per_minute", 429]);
  const news = await daybook.events("kind=quota");
  assert.deepEqual(
    news.map(({ action, name, quota_violation, api_key_id }) => ({
      action,
      name,
      quota_violation,
      api_key_id,
    })),
    [
      {
        action: "near_limit",
        name: "requests_per_minute",
        quota_violation: null,
        api_key_id: events[0]?.api_key_id,
      },
      {
        action: "violation",
        name: "requests_per_minute",
        quota_violation: "key_requests_per_minute",
        api_key_id: events[0]?.api_key_id,
      },
    ],
  );
});

test("what a request holds is given back however it ends: answered, refused upstream, broken, left or cut", async (t) => {
  const daybook = await startDaybook(t, { yaml: "quotas: { keys: { concurrent_requests: 2 } }" });
  const ends: (() => Promise<unknown>)[] = [
    () => chat(daybook.url),
    () => chat(daybook.url, { stream: true }),
    () => chat(daybook.url, { simulate: { status: 429 } }),
    () => chat(daybook.url, { stream: true, simulate: { failure: "mid_stream_reset" } }),
    async () => {
      const abort = new AbortController();
      const response = await fetch(`${daybook.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
        body: chatBody({ stream: true, simulate: { completion_tokens: 200, pace_ms: 20 } }),
        signal: abort.signal,
      });
      await response.body?.getReader().read();
      abort.abort();
    },
  ];
  for (const end of ends) {
    for (let n = 0; n < 3; n++) await end();
    await until(async () => daybook.server.recorder.inFlight().inference === 0);
  }
  const [one, two, three] = await Promise.all(
    Array.from({ length: 3 }, () =>
      chat(daybook.url, { stream: true, simulate: { completion_tokens: 10, pace_ms: 20 } }),
    ),
  );
  assert.deepEqual([one?.status, two?.status, three?.status].sort(), [200, 200, 429]);
});

test("after a restart budgets, balances and the news that were told are as before", async (t) => {
  const yaml = `${PRICED}quotas: { users: { tokens_per_day: 1000 } }`;
  const home = tempFolder();
  const first = await startDaybook(t, { yaml, home });
  const client = await clientOf(first);
  await grant(first, client.userId, 1_000_000);
  const use = async ({ url }: TestDaybook, prompt_tokens: number) => {
    const simulate = { prompt_tokens, completion_tokens: 0 };
    return (await chat(url, { ...client, body: { max_tokens: 1 }, simulate })).status;
  };
  assert.equal(await use(first, 900), 200);
  const before = await creditsOf(first, client);
  assert.equal(before.charged_microcredits, 900);
  await first.server.close();

  const second = await startDaybook(t, { yaml, home });
  assert.deepEqual(await creditsOf(second, client), before);
  assert.equal(await use(second, 80), 200);
  assert.equal(await use(second, 60), 429);
  await second.server.close();

  const third = await startDaybook(t, { yaml, home });
  assert.equal(await use(third, 1), 429);
  assert.equal((await creditsOf(third, client)).charged_microcredits, 980);
  assert.deepEqual(
    (await third.events("kind=quota")).map(({ action, user_id }) => [action, user_id]),
    [
      ["near_limit", client.userId],
      ["violation", client.userId],
    ],
  );
});

test("what a reload says of limits and credit holds at once, and the trail tells it by its options' names", async (t) => {
  const daybook = await startDaybook(t, { yaml: PRICED });
  const client = await clientOf(daybook);
  assert.equal((await chat(daybook.url, client)).status, 200);
  const yaml = `${PRICED}quotas: { users: { requests_per_minute: 1 } }\ncredits: { required: true }\n`;
  writeFileSync(join(daybook.home, "daybook.yaml"), `listen: 127.0.0.1:0\n${yaml}`);
  const { json, text } = await daybook.ask("/admin/reload", { method: "POST" });
  const { changed } = json as { changed: string[] };
  assert.deepEqual(changed, ["credits.required", "quotas.users.requests_per_minute"], text);
  const { status, headers } = await chat(daybook.url, client);
  assert.deepEqual([status, headers["x-ratelimit-limit-requests"]], [402, "1"]);
  await grant(daybook, client.userId, 1_000_000);
  assert.equal((await chat(daybook.url, client)).status, 200);
  assert.equal((await chat(daybook.url, client)).status, 429);
});

test("clients see what they used and have, and nobody else's; without a key, nothing", async (t) => {
  const daybook = await startDaybook(t, { yaml: PRICED });
  const [ana, ben] = [await clientOf(daybook, "ana"), await clientOf(daybook, "ben")];
  for (const client of [ana, ana, ben]) assert.equal((await chat(daybook.url, client)).status, 200);
  await daybook.settle();
  const usageOf = async (headers: Record<string, string>, query = "") => {
    const { status, json } = await daybook.ask(`/v1/usage${query}`, { token: null, headers });
    return { status, used: json as { user_id: string; cost_micros: number; event_id: string }[] };
  };
  const { used } = await usageOf(ana.headers);
  const events = await daybook.events(`kind=inference&user_id=${ana.userId}`);
  assert.deepEqual(
    used.map(({ event_id, user_id, cost_micros }) => [event_id, user_id, cost_micros]),
    events.reverse().map(({ event_id, cost_micros }) => [event_id, ana.userId, cost_micros]),
  );
  assert.equal(used.length, 2);
  assert.equal((await usageOf(ana.headers, "?limit=1")).used.length, 1);
  assert.equal(
    (await usageOf({ "x-api-key": ben.headers.authorization.slice("Bearer ".length) })).used.length,
    1,
  );
  assert.equal((await usageOf({ authorization: `Bearer ${API_KEY}` })).used.length, 0);
  assert.deepEqual(
    (await creditsOf(daybook, { ...ana, headers: { authorization: `Bearer ${API_KEY}` } })).user_id,
    null,
  );
  for (const [path, status] of [
    ["?limit=501", 400],
    ["?limit=0", 400],
    ["?user_id=ben", 400],
  ] as const)
    assert.equal((await usageOf(ana.headers, path)).status, status, path);
  assert.equal((await usageOf({})).status, 401);
  assert.equal((await usageOf({ authorization: "Bearer dbk_wrong" })).status, 401);
  const all = (await daybook.ask("/admin/usage")).json as unknown[];
  const his = (await daybook.ask(`/admin/usage?user_id=${ben.userId}`)).json as { user_id: string }[];
  assert.deepEqual([all.length, his.map(({ user_id }) => user_id)], [3, [ben.userId]]);
  const asked = await daybook.events("kind=api&endpoint=/v1/usage");
  assert.deepEqual([asked.length, asked[0]?.user_id, asked.at(-1)?.status_code], [9, ana.userId, 401]);
});

test("a user who is deleted keeps its account", async (t) => {
  const daybook = await startDaybook(t, { yaml: PRICED });
  const { userId } = await clientOf(daybook);
  await grant(daybook, userId, 700);
  await daybook.ask(`/admin/users/${userId}`, { method: "DELETE", body: {} });
  const { json } = await daybook.ask(`/admin/users/${userId}/credits`);
  assert.equal((json as { balance_microcredits: number }).balance_microcredits, 700);
  const entries = (await daybook.ask(`/admin/users/${userId}/credits/entries`)).json as unknown[];
  assert.equal(entries.length, 1);
  assert.equal((await daybook.ask("/admin/users/nobody/credits")).status, 404);
});

test("administrators see the credit of all users, and what of each limit is used", async (t) => {
  const daybook = await startDaybook(t, {
    yaml: `${PRICED}quotas: { keys: { tokens_per_day: 1000 }, users: {} }\n`,
  });
  const { ask } = daybook;
  const client = await clientOf(daybook);
  await clientOf(daybook, "bob");
  await grant(daybook, client.userId, 1_000_000);
  const own = { method: "PUT", body: { cost_micros_per_month: 5000 } } as const;
  await ask(`/admin/users/${client.userId}/limits`, own);
  await chat(daybook.url, { ...client });
  const [event] = await inferences(daybook);
  type Standing = Record<"limits" | "in_force" | "used", Record<string, number | null>>;
  const standing = async (path: string) => (await ask(path)).json as Standing;
  const key = await standing(`/admin/api-keys/${client.keyId}/limits`);
  assert.deepEqual([key.limits, key.in_force.tokens_per_day], [{}, 1000]);
  assert.deepEqual([key.used.tokens_per_day, key.used.requests_per_minute], [event?.total_tokens, 0]);
  const user = await standing(`/admin/users/${client.userId}/limits`);
  assert.deepEqual([user.in_force.cost_micros_per_month, user.in_force.tokens_per_day], [5000, null]);
  assert.equal(user.used.cost_micros_per_month, event?.cost_micros);
  const all = (await ask("/admin/credits")).json as Record<string, unknown>[];
  assert.deepEqual(
    all.map(({ name, balance_microcredits: left, enforced }) => [name, left, enforced]),
    [
      ["bob", 0, false],
      ["ana", 1_000_000 - Number(event?.cost_micros), true],
    ],
  );
  const page = await ask("/admin/credits?limit=1");
  assert.match(String(page.headers.link), /cursor=.*rel="next"/);
});
