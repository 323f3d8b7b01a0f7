// The API's description of itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ROUTES } from "../../src/api/routes.ts";
import { serveApi } from "./served-api.ts";

type Json = Record<string, unknown>;
interface Operation {
  readonly operationId: string;
  readonly parameters?: { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Json }> };
  readonly security: Json[];
}

/** Every `$ref` below `value`. */
function refsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) =>
    name === "$ref" && typeof child === "string" ? [child] : refsIn(child),
  );
}

test("the description has every path of the route table, its parameters and its body", async () => {
  await using api = await serveApi();
  const { status, json } = await api.ask("/openapi.json", { token: null });
  const document = json as {
    openapi: string;
    paths: Record<string, Record<string, Operation>>;
    components: Json;
  };
  assert.deepEqual([status, document.openapi], [200, "3.1.0"]);
  const described = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const served = ROUTES.filter(({ path }) => !/^\/(docs|openapi)/.test(path));
  assert.deepEqual(
    described.sort(),
    served.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`).sort(),
  );
  const ids = Object.values(document.paths).flatMap((operations) =>
    Object.values(operations).map(({ operationId }) => operationId),
  );
  assert.equal(new Set(ids).size, ids.length);
  for (const { method, path, body, query, access } of served) {
    const operation = document.paths[path.replaceAll(/:(\w+)/g, "{$1}")]?.[method.toLowerCase()];
    const names = operation?.parameters?.map(({ name }) => name) ?? [];
    for (const name of [...Object.keys(query?.shape ?? {}), ...path.matchAll(/:(\w+)/g)].flat())
      assert.ok(names.includes(name.replace(/^:/, "")), `${path} ${name}`);
    const schema = operation?.requestBody?.content["application/json"]?.schema;
    assert.deepEqual(Object.keys((schema?.properties as Json) ?? {}), Object.keys(body?.shape ?? {}));
    if (body !== undefined) assert.equal(schema?.additionalProperties, false);
    assert.equal(operation?.security.length === 0, access === "anyone", path);
  }
  for (const ref of refsIn(document)) {
    const found = ref
      .slice(2)
      .split("/")
      .reduce<unknown>((at, name) => (at as Json)[name], document);
    assert.ok(found, ref);
  }
});

test("a password is written only", async () => {
  await using api = await serveApi();
  const text = (await api.ask("/openapi.json", { token: null })).text;
  assert.match(text, /"password":\{[^}]*"writeOnly":true/);
});

test("the page needs nothing from anywhere else", async () => {
  await using api = await serveApi();
  const page = await api.ask("/docs", { token: null });
  assert.equal(page.status, 200);
  assert.match(String(page.headers["content-security-policy"]), /default-src 'none'; script-src 'self'/);
  const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, at = ""]) => at);
  assert.equal(parts.length, 3);
  for (const at of parts) {
    assert.match(at, /^docs\//);
    const part = await api.ask(`/${at}`, { token: null });
    assert.equal(part.status, 200, at);
    assert.match(
      String(part.headers["content-type"]),
      at.endsWith(".css") ? /^text\/css/ : /^text\/javascript/,
    );
    assert.equal(part.headers["x-content-type-options"], "nosniff");
  }
  assert.deepEqual(api.events, []);
});
