// What people come to ask, on traffic of two days: each question is answered by clicking from the first page, and by
// typing, in five actions at most, and the answer is exact. What leads to events leads to those and no others.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { answered, createRecorder } from "../../src/library/index.ts";
import { openStore } from "../../src/stores/open-store.ts";
import { callTool, postMcp } from "../mcp/call.ts";
import { startScripted } from "../mcp/scripted-server.ts";
import { chat, type TestDaybook } from "../support/daybook.ts";
import { NodeLog } from "../support/events.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";
import { counted } from "./traffic.ts";
import { useBrowser, useDaybook, useVisit, type Visit } from "./visit.ts";

const DAY_MS = 86_400_000;
const MOST_ACTIONS = 5;
const home = tempFolder();
const POLICY = `
policies:
  - { name: no-deletes, match: { kind: mcp, name: delete_file }, effect: deny, reason: Nothing is deleted. }
`;
/** Of yesterday: model, how often it failed, how often it did not. */
const YESTERDAY = [
  ["steady", 1, 40],
  ["flaky", 7, 2],
  ["busy", 5, 90],
] as const;

useBrowser();
const keys = new Map<string, string>();
let sessionCost = 0;

async function storedYesterday(): Promise<void> {
  const store = await openStore(`sqlite:${join(home, "events.db")}`, "write");
  const log = new NodeLog("00000000000000c1");
  const noon = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS / 2;
  for (const [model, failures, successes] of YESTERDAY) {
    const recordedAt = noon + YESTERDAY.findIndex(([name]) => name === model) * 3_600_000;
    const cells = (status: string, statusCode: number, errorCode: string | null) => () => ({
      ...{ kind: "inference", action: "chat", model, status, count: 1 },
      ...{ status_code: statusCode, error_code: errorCode, recorded_at: recordedAt, timestamp: recordedAt },
    });
    await store.append(log.next(failures, cells("error", 500, "provider_error")));
    await store.append(log.next(successes, cells("success", 200, null)));
  }
  await store.close();
}

const shared = useDaybook(
  async (t) => {
    await storedYesterday();
    const server = await startScripted(t);
    return { home, yaml: `mcp: { servers: [{ name: scripted, url: "${server.url}" }] }\n${POLICY}` };
  },
  async (daybook) => {
    for (const name of ["ann", "ben", "cleo"]) keys.set(name, await keyOf(daybook, name));
    const tool = (name: string, user: string) =>
      postMcp(daybook.url, callTool(name), {
        headers: { authorization: `Bearer ${keys.get(user)}`, "x-session-id": "run-7" },
      });
    for (let at = 0; at < 3; at++) await tool("delete_file", "ben");
    await tool("delete_file", "cleo");
    await tool("read_file", "ann");
    const made = (path: string, body: object) => daybook.ask(path, { method: "POST", body });
    await made("/admin/providers", { name: "mine", backend_type: "simulated" });
    const price = { prompt_per_million: 3, completion_per_million: 15 };
    const providers = [{ provider: "mine", upstream_model: "demo" }];
    assert.equal((await made("/admin/routes", { model: "priced", providers, price })).status, 201);
    const session = { headers: { "x-session-id": "run-7" } };
    for (let at = 0; at < 4; at++) await chat(daybook.url, { model: "priced", ...session });
    await chat(daybook.url, { headers: { "x-session-id": "run-8" } });
    await chat(daybook.url, { model: "today-only" });
    const events = await daybook.events("session_id=run-7");
    sessionCost = events.reduce((sum, { cost_micros: cost }) => sum + (cost ?? 0), 0);
  },
);

const visiting = useVisit(shared);

async function keyOf({ ask }: TestDaybook, name: string): Promise<string> {
  const made = async (path: string, body: object) =>
    (await ask(path, { method: "POST", body })).json as { id: string; secret: string };
  const { id } = await made("/admin/users", { name, role: "viewer" });
  return (await made("/admin/api-keys", { name: `${name}'s`, user_id: id })).secret;
}

/** Somebody at the first page: each of what they do is counted. */
async function atHome(t: TestContext) {
  const visited = visiting();
  const { page } = visited;
  await visited.to("/");
  await page.locator("[data-testid=loaded]").filter({ hasText: "loaded" }).waitFor();
  let actions = 0;
  t.after(() => assert.ok(actions <= MOST_ACTIONS, `${actions} actions`));
  const act = async (action: () => Promise<unknown>) => {
    actions++;
    await action();
  };
  return {
    visited,
    page,
    /** A line that is typed and entered, or a key, is one action. */
    press: (key: string) => act(() => page.keyboard.press(key)),
    type: (text: string) =>
      act(async () => {
        await page.keyboard.type(text);
        await page.keyboard.press("Enter");
      }),
    click: (role: string, name: string | RegExp, within: Pick<Visit["page"], "getByRole"> = page) =>
      act(() => within.getByRole(role, { name, exact: true }).first().click()),
    choose: (label: string, value: string) => act(() => page.getByLabel(label).selectOption(value)),
  };
}

test("which model failed most yesterday, by clicks", async (t) => {
  const { visited, page, click, choose } = await atHome(t);
  await click("link", "Overview");
  await choose("Period", "yesterday");
  const failing = page.getByRole("region", { name: "Models that failed most" });
  // What there was before stays until yesterday is read.
  await until(
    async () =>
      String(await failing.getByRole("link").allInnerTexts())
        .split(/\s+|,/)
        .join(" ") === "flaky 7 busy 5 steady 1",
  );
  assert.deepEqual(await visited.faults(), []);
  // The number leads to what it counts.
  await click("link", /^flaky\s*7$/);
  await page.locator("[data-testid=loaded]").filter({ hasText: "7 of 7 loaded" }).waitFor();
});

test("figures of another time than is asked for stay in sight, and lead nowhere", async (t) => {
  const { page, visited, choose } = await atHome(t);
  for (const [path, name] of [
    ["/overview", "Models"],
    ["/activity", "Users"],
    ["/sessions", "Sessions"],
    ["/watch", "Looked"],
  ] as const) {
    await visited.to(path);
    const region = page.getByRole("region", { name, exact: true });
    await region.getByRole("link").first().waitFor();
    const held = Promise.withResolvers<void>();
    const asked = /\/admin\/audit-logs\/(?:facets|users|sessions)/;
    t.after(() => held.resolve());
    await page.route(asked, async (route) => {
      await held.promise;
      await route.continue();
    });
    await choose("Period", path === "/watch" ? "30d" : "yesterday");
    // Nothing of it can be reached, by keys either.
    await page.locator("[aria-busy=true][inert]").waitFor();
    assert.equal(await region.isVisible(), true, path);
    const focused = `(() => { const link = document.querySelector("[inert] a"); link.focus(); return document.activeElement === link; })()`;
    assert.equal(await page.evaluate(focused), false, path);
    held.resolve();
    await page.locator("[aria-busy=false]:not([inert])").first().waitFor();
    await page.unroute(asked);
  }
});

test("which model failed most yesterday, typed", async (t) => {
  const { page, press, type } = await atHome(t);
  const day = new Date(Date.now() - DAY_MS).toISOString().slice(0, 10);
  await press("/");
  await type(`status:error kind:inference since:${day} until:${day}`);
  await page.locator("[data-testid=loaded]").filter({ hasText: "13 of 13 loaded" }).waitFor();
  await counted({ page });
  const models = page.getByRole("region", { name: "Model", exact: true });
  await models.getByText("steady").waitFor();
  assert.match(await models.innerText(), /^Model\s+flaky\s+7\s+busy\s+5\s+steady\s+1$/);
});

test("who called a tool and was denied, by clicks", async (t) => {
  const { visited, page, click } = await atHome(t);
  await click("button", "delete_file", page.getByRole("region", { name: "Name" }));
  await click("button", "deny", page.getByRole("region", { name: "Policy" }));
  await page.locator("[data-testid=loaded]").filter({ hasText: "4 of 4 loaded" }).waitFor();
  await counted({ page });
  const users = page.getByRole("region", { name: "User", exact: true });
  await users.getByText("cleo").waitFor();
  assert.match(await users.innerText(), /^User\s+ben\s+3\s+cleo\s+1$/);
  assert.deepEqual(await visited.faults(), []);
});

test("who called a tool and was denied, typed", async (t) => {
  const { page, press, type } = await atHome(t);
  await press("/");
  await type("name:delete_file policy:denied");
  await page.locator("[data-testid=loaded]").filter({ hasText: "4 of 4 loaded" }).waitFor();
  await counted({ page });
  const users = page.getByRole("region", { name: "User", exact: true });
  await users.getByText("cleo").waitFor();
  assert.match(await users.innerText(), /^User\s+ben\s+3\s+cleo\s+1$/);
});

/** Millionths of a dollar. */
const shown = (micros: number) => `$${(micros / 1e6).toFixed(micros < 10_000 ? 6 : 4)}`;

test("what a session cost, by clicks", async (t) => {
  const { visited, page, click } = await atHome(t);
  await click("link", "Sessions");
  await click("link", "run-7");
  const cost = page.locator("dl > div").filter({ hasText: "Cost" }).locator("dd");
  await cost.waitFor();
  assert.ok(sessionCost > 0);
  assert.equal(await cost.innerText(), shown(sessionCost));
  const groups = await page.locator("[data-testid=group]").allInnerTexts();
  assert.deepEqual(
    groups.map((text) => text.split(/\s+/).slice(0, 3)),
    [
      ["Models", "4", "0"],
      ["Tools", "5", "4"],
    ],
  );
  assert.deepEqual(await visited.faults(), []);
});

test("what a session cost, typed", async (t) => {
  const { page, press, type } = await atHome(t);
  await press("/");
  await type("session:run-7");
  await page
    .locator("[data-testid=sums]")
    .filter({ hasText: shown(sessionCost) })
    .waitFor();
});

test("whether anything is being lost right now, by clicks", async (t) => {
  const { visited, page, click } = await atHome(t);
  await click("link", "System");
  await page.getByText("Nothing is being lost.").waitFor();
  assert.deepEqual(await visited.faults(), []);
});

test("whether anything is being lost right now, typed", async (t) => {
  const { page, press, type } = await atHome(t);
  await press("Control+k");
  await page.getByPlaceholder("Type a page or a command").waitFor();
  await type("System");
  await page.getByText("Nothing is being lost.").waitFor();
});

test("a name with a star leads to its own events, and not to those of everybody", async () => {
  const daybook = shared();
  const { json } = await daybook.ask("/admin/tokens", {
    method: "POST",
    body: { name: "far", role: "admin", scopes: ["ingest"] },
  });
  const far = await createRecorder({
    url: daybook.url,
    key: (json as { secret: string }).secret,
    folder: tempFolder(),
  });
  // Of all users it has the most, and is among the few that the overview names.
  for (const userId of [...Array<string>(20).fill("*"), "ann", "ann"])
    far.log({ kind: "inference", action: "chat", userId }, answered(200));
  assert.ok(await far.shipped());
  await far.close();
  await daybook.settle();
  const { page, to } = visiting();
  await to("/overview");
  await page.getByRole("region", { name: "Users" }).getByRole("link", { name: /^\*/ }).click();
  await page.locator("[data-testid=loaded]").filter({ hasText: "20 of 20" }).waitFor();
  await daybook.ask("/admin/holds", {
    method: "POST",
    body: { filter: { user_id: ["ann", "\\*"] }, justification: "Both of them" },
  });
  await to("/holds");
  await page.getByRole("link", { name: /^user_id:/ }).click();
  await page.locator("[data-testid=loaded]").filter({ hasText: "22 of 22" }).waitFor();
});
