// Saved views: whose they are, who sees and changes them, and which comes first.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ADMIN_TOKEN, startDaybook, type TestDaybook } from "../support/daybook.ts";

interface View {
  readonly id: string;
  readonly name: string;
  readonly query: string;
  readonly is_default: boolean;
  readonly editable: boolean;
}

async function tokenOf({ ask }: TestDaybook, name: string, role = "auditor"): Promise<[string, string]> {
  const user = await ask("/admin/users", { method: "POST", body: { name, role } });
  const { id } = user.json as { id: string };
  const token = await ask("/admin/tokens", { method: "POST", body: { name, role, user_id: id } });
  return [(token.json as { secret: string }).secret, id];
}

const save = (daybook: TestDaybook, token: string, body: object) =>
  daybook.ask("/admin/views", { method: "POST", token, body: { query: "since=24h", ...body } });
const listed = async (daybook: TestDaybook, token: string) =>
  (await daybook.ask("/admin/views", { token })).json as View[];
const names = async (daybook: TestDaybook, token: string) =>
  (await listed(daybook, token)).map(({ name, editable }) => [name, editable]);

test("a view is its owner's alone until it is shared, and then still its owner's to change", async (t) => {
  const daybook = await startDaybook(t);
  const [ann] = await tokenOf(daybook, "ann");
  const [ben] = await tokenOf(daybook, "ben");
  const made = await save(daybook, ann, { name: "mine" });
  const shared = await save(daybook, ann, { name: "ours", shared: true, query: "model=gpt-*&since=7d" });
  const [mine, ours] = [made.json, shared.json] as [View, View];
  assert.equal(ours.query, "model=gpt-*&since=7d");
  assert.deepEqual(await names(daybook, ann), [
    ["mine", true],
    ["ours", true],
  ]);
  assert.deepEqual(await names(daybook, ben), [["ours", false]]);
  assert.deepEqual(await names(daybook, ADMIN_TOKEN), [["ours", true]]);
  const body = { name: "taken over", query: "", shared: true };
  const put = (id: string, token: string) =>
    daybook.ask(`/admin/views/${id}`, { method: "PUT", token, body });
  const drop = (id: string, token: string) => daybook.ask(`/admin/views/${id}`, { method: "DELETE", token });
  assert.equal((await put(ours.id, ben)).status, 409);
  assert.equal((await drop(ours.id, ben)).status, 409);
  for (const id of [mine.id, "view_none"]) {
    assert.equal((await put(id, ben)).status, 404);
    assert.equal((await drop(id, ADMIN_TOKEN)).status, 404);
  }
  assert.equal((await put(ours.id, ADMIN_TOKEN)).status, 200);
  assert.equal((await drop(ours.id, ann)).status, 204);
  assert.deepEqual(await names(daybook, ben), []);
});

test("one view at most is first: of one's own, and of all by an administrator's word alone", async (t) => {
  const daybook = await startDaybook(t);
  const [ann] = await tokenOf(daybook, "ann");
  const firsts = async () =>
    (await listed(daybook, ann)).filter((view) => view.is_default).map(({ name }) => name);
  await save(daybook, ann, { name: "a", is_default: true });
  await save(daybook, ann, { name: "b", is_default: true });
  assert.deepEqual(await firsts(), ["b"]);
  assert.equal((await save(daybook, ann, { name: "c", shared: true, is_default: true })).status, 400);
  await save(daybook, ADMIN_TOKEN, { name: "d", shared: true, is_default: true });
  await save(daybook, ADMIN_TOKEN, { name: "e", shared: true, is_default: true });
  assert.deepEqual(await firsts(), ["b", "e"]);
});

test("what cannot be a view is refused: a filter that is none, an unknown column, a name that is taken", async (t) => {
  const daybook = await startDaybook(t);
  const [ann] = await tokenOf(daybook, "ann");
  for (const body of [
    { name: "x", query: "staus=error" },
    { name: "x", query: "since=yesterday" },
    { name: "x", columns: ["prompt"] },
    { name: "x", columns: [] },
    { name: "two\nlines" },
    { name: "" },
  ])
    assert.equal((await save(daybook, ann, body)).status, 400, JSON.stringify(body));
  assert.equal((await save(daybook, ann, { name: "x" })).status, 201);
  assert.equal((await save(daybook, ann, { name: "x" })).status, 409);
  assert.equal((await save(daybook, ADMIN_TOKEN, { name: "x" })).status, 201);
  for (let made = 1; made < 100; made++) await save(daybook, ann, { name: `view ${made}` });
  assert.equal((await save(daybook, ann, { name: "one more" })).status, 409);
  assert.equal((await listed(daybook, ann)).length, 100);
});

test("an erasure takes a person's views, and those of others that name the person", async (t) => {
  const daybook = await startDaybook(t);
  const [ann, id] = await tokenOf(daybook, "ann");
  await save(daybook, ann, { name: "hers", shared: true });
  await save(daybook, ADMIN_TOKEN, { name: "of her", query: `user_id=${id}` });
  await save(daybook, ADMIN_TOKEN, { name: "of all" });
  const body = { user_id: id, justification: "asked" };
  assert.equal((await daybook.ask("/admin/erasures", { method: "POST", body })).status, 202);
  assert.deepEqual(await names(daybook, ADMIN_TOKEN), [["of all", true]]);
});

test("names of users, keys and tokens are told to whoever sees all events", async (t) => {
  const daybook = await startDaybook(t);
  const [ann, id] = await tokenOf(daybook, "ann");
  const [vera] = await tokenOf(daybook, "vera", "viewer");
  const { json } = await daybook.ask("/admin/names", { token: ann });
  const { user_id: users, api_key_id: keys } = json as Record<string, Record<string, string>>;
  assert.equal(users?.[id], "ann");
  assert.deepEqual(Object.values(keys ?? {}).sort(), ["ann", "first API key", "first admin token", "vera"]);
  assert.equal((await daybook.ask("/admin/names", { token: vera })).status, 403);
});
