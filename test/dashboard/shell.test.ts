// The dashboard as files of the server, and the way in.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { request } from "undici";
import { ADMIN_TOKEN } from "../support/daybook.ts";
import { signIn, useBrowser, useDaybook, useVisit, visit } from "./visit.ts";

useBrowser();
const shared = useDaybook(() => ({}));
const visiting = useVisit(shared);

const PAGES = [
  ...["/", "/overview", "/settings", "/users", "/keys", "/tokens", "/providers", "/routes"],
  ...["/policies", "/mcp-servers", "/holds", "/system", "/exports", "/evidence", "/retention"],
  ...["/erasures", "/watch", "/credits"],
];

async function fetched(url: string, headers: Record<string, string> = {}) {
  const answer = await request(url, { headers });
  return { ...answer, body: Buffer.from(await answer.body.arrayBuffer()) };
}

test("pages come with a strict policy, their files for ever, and neither leaves an event", async () => {
  const { url, events } = shared();
  const page = await fetched(`${url}/`);
  const policy = String(page.headers["content-security-policy"]);
  assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval|https?:/);
  const [, script = ""] =
    /href="\.\/(_app\/immutable\/entry\/app[^"]+\.js)"/.exec(page.body.toString()) ?? [];
  const file = await fetched(`${url}/${script}`, { "accept-encoding": "gzip" });
  assert.deepEqual(
    [file.statusCode, file.headers["content-encoding"], file.headers["cache-control"]],
    [200, "gzip", "public, max-age=31536000, immutable"],
  );
  const again = await fetched(`${url}/`, { "if-none-match": String(page.headers.etag) });
  assert.deepEqual([again.statusCode, again.body.length], [304, 0]);
  assert.equal((await fetched(`${url}/_app/../../package.json`)).statusCode, 404);
  const about = await events("include=system");
  assert.deepEqual(
    about.filter(({ kind, status_code }) => kind === "api" && status_code !== 404),
    [],
  );
});

/** What is loaded before a page can be used, as gzip makes it. */
async function loadedBy(url: string, path: string): Promise<number> {
  const page = (await fetched(url + path)).body.toString();
  const files = [...page.matchAll(/(?:href|src)="\.\/([^"]+\.(?:js|css))"/g)].map(([, file = ""]) => file);
  const sizes = await Promise.all(
    [...new Set(files)].map(
      async (file) => gzipSync((await fetched(`${url}/${file}`)).body, { level: 9 }).length,
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

test("the first load is at most 120 KB, whichever page it is", async () => {
  const { url } = shared();
  for (const path of PAGES) {
    const size = await loadedBy(url, path);
    assert.ok(size < 120 * 1024 && size > 20 * 1024, `${path}: ${size} bytes`);
  }
});

test("all screens together are at most 300 KB", () => {
  const folder = fileURLToPath(new URL("../../dashboard/build/_app/", import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(?:js|css)$/.test(name),
  );
  const size = files.reduce(
    (sum, name) => sum + gzipSync(readFileSync(join(folder, name)), { level: 9 }).length,
    0,
  );
  assert.ok(files.length > 20 && size < 300 * 1024, `${files.length} files, ${size} bytes`);
});

/** A proxy that serves Daybook below /daybook/, as people's own do. */
async function below(t: TestContext, url: string): Promise<string> {
  const proxy = createServer((asked, answer) => {
    const path = asked.url?.replace(/^\/daybook(?=\/)/, "");
    if (path === asked.url) answer.writeHead(404).end();
    else {
      const { hostname, port } = new URL(url);
      const onward = forward(
        { hostname, port, path, method: asked.method, headers: asked.headers },
        (got) => {
          answer.writeHead(got.statusCode ?? 502, got.headers);
          got.pipe(answer);
        },
      );
      onward.on("error", () => answer.destroy());
      asked.pipe(onward);
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.after(() => proxy.close());
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/daybook`;
}

test("it works below another path, from page to page", async (t) => {
  const daybook = shared();
  const url = await below(t, daybook.url);
  const { page, to } = await visit(t, daybook, { url });
  await to("/");
  await page.getByRole("link", { name: "Providers" }).click();
  await page.getByRole("heading", { name: "Providers" }).waitFor();
  assert.equal(page.url(), `${url}/providers`);
  await to("/users");
  await page.getByText("There are no users yet.").waitFor();
});

test("an address that nothing is at is a page for people, at any depth and below any path, and JSON for programs", async (t) => {
  const daybook = shared();
  const url = await below(t, daybook.url);
  const visited = await visit(t, daybook, { url });
  const { page } = visited;
  visited.expected = /404/;
  for (const path of ["/nonsense", "/admin/no/such?status=error", "/a/b/c/d/e/f"]) {
    await visited.to(path);
    await page.getByRole("heading", { name: "There is no such page" }).waitFor();
    assert.deepEqual(await visited.faults(), []);
    assert.equal(page.url(), url + path);
    await page.getByRole("link", { name: "To the explorer" }).click();
    await page.getByRole("heading", { name: "Explorer" }).waitFor();
    assert.equal(new URL(page.url()).pathname, "/daybook/");
  }
  await visited.to("/users/");
  await page.getByRole("heading", { name: "Users" }).waitFor();
  const asked = (headers: Record<string, string>, path = "/nonsense") => fetched(daybook.url + path, headers);
  const html = await asked({ accept: "text/html,application/xhtml+xml,*/*;q=0.8" });
  assert.deepEqual([html.statusCode, html.headers["content-type"]], [404, "text/html; charset=utf-8"]);
  assert.match(String(html.headers["content-security-policy"]), /frame-ancestors 'none'/);
  assert.match(String(html.headers["cache-control"]), /no-store/);
  const json = [
    await asked({}),
    await asked({ accept: "*/*" }),
    await asked({ accept: "text/html", authorization: `Bearer ${ADMIN_TOKEN}` }),
    await asked({ accept: "text/html" }, "/v1/nonsense"),
    await asked({ accept: "text/html" }, "/a/b/c/d/e/f/g"),
    await asked({}, "/not-found"),
  ];
  for (const { statusCode, headers } of json)
    assert.deepEqual([statusCode, /json/.test(String(headers["content-type"]))], [404, true]);
  // Whoever is shown a page has left an event all the same.
  await daybook.settle();
  const events = await daybook.events("kind=api&status_code=404");
  assert.ok(events.some(({ request_id: id }) => id === html.headers["x-request-id"]));
});

test("keys lead everywhere, and ? lists them", async () => {
  const visited = visiting();
  const { page } = visited;
  await visited.to("/");
  await page.getByRole("heading", { name: "Explorer" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("p");
  await page.getByRole("heading", { name: "Providers" }).waitFor();
  await page.getByRole("link", { name: "demo" }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("nothing");
  await page.getByText("Nothing here fits the filter.").waitFor();
  await page.getByLabel("Filter the list").fill("");
  await page.getByRole("heading", { name: "Providers" }).click();
  await page.keyboard.press("n");
  await page.getByRole("dialog", { name: "A new provider" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  assert.deepEqual(await visited.faults(), []);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog", { name: "Go to, or do" }).waitFor();
  assert.deepEqual(await visited.faults(), []);
  await page.keyboard.type("api k");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "API keys" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog", { name: "Go to, or do" }).waitFor();
  await page.keyboard.type("erase a");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Erase a person" }).waitFor();
  await page.keyboard.press("Escape");
  assert.match(page.url(), /\/erasures$/);
});

test("rows are as dense as one likes, and print leaves out what paper cannot do", async () => {
  const visited = visiting();
  const { page } = visited;
  await visited.to("/keys");
  const row = page.locator("tbody tr").first();
  await row.waitFor();
  const height = async () => (await row.boundingBox())?.height ?? 0;
  const before = await height();
  await page.getByRole("button", { name: "Dense" }).click();
  assert.ok((await height()) < before);
  await page.emulateMedia({ media: "print" });
  assert.deepEqual(
    await Promise.all(
      [page.getByRole("navigation"), page.getByRole("button", { name: "New key" }), row].map((each) =>
        each.isVisible(),
      ),
    ),
    [false, false, true],
  );
});

test("one signs in with a token or a password, and out again", async (t) => {
  const daybook = shared();
  await daybook.ask("/admin/users", {
    method: "POST",
    body: { name: "ann", role: "auditor", password: "correct horse battery" },
  });
  const visited = await visit(t, daybook, { token: null });
  const { page } = visited;
  visited.expected = /401/;
  await visited.to("/");
  await page.getByRole("heading", { name: "Sign in to Daybook" }).waitFor();
  assert.deepEqual(await visited.faults(), []);
  await page.getByLabel("Name", { exact: true }).fill("ann");
  await page.getByLabel("Password", { exact: true }).fill("wrong horse battery");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Name or password is wrong.").waitFor();
  await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Explorer" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "API keys" }).count(), 0);
  await page.reload();
  await page.getByRole("heading", { name: "Explorer" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Daybook" }).waitFor();
  await signIn(visited, "dbt_test-admin-token-0123456789-abcdefghij");
  await page.getByRole("link", { name: "API keys" }).waitFor();
});
