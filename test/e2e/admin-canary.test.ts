// Secrets planted in every field of every request that changes something, taken from the route table: none of them
// stands in any byte that Daybook keeps.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";
import { ROUTES } from "../../src/api/routes.ts";
import { EXAMPLES, requestOf } from "../api/mutating-routes.ts";
import { startDaybook } from "../support/daybook.ts";

interface Shape {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: Shape | boolean;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
}

type Path = readonly (string | number)[];

/** Where a body can hold a string. */
function stringsIn(shape: Shape, at: Path = []): Path[] {
  const { properties = {}, additionalProperties, items, anyOf = [] } = shape;
  return [
    ...(shape.type === "string" ? [at] : []),
    ...Object.entries(properties).flatMap(([name, child]) => stringsIn(child, [...at, name])),
    ...(typeof additionalProperties === "object" ? stringsIn(additionalProperties, [...at, "any"]) : []),
    ...(items === undefined ? [] : stringsIn(items, [...at, 0])),
    ...anyOf.flatMap((child) => stringsIn(child, at)),
  ];
}

/** `body` with `value` at `path`. */
function planted(body: unknown, [step, ...rest]: Path, value: string): unknown {
  if (step === undefined) return value;
  if (typeof step === "number") return [planted((body as unknown[] | undefined)?.[step], rest, value)];
  const before = typeof body === "object" && body !== null && !Array.isArray(body) ? body : {};
  return { ...before, [step]: planted((before as Record<string, unknown>)[step], rest, value) };
}

/** Path → bytes of every file below `folder`. */
function filesBelow(folder: string): [string, string][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      try {
        return [[path, readFileSync(path, "latin1")]];
      } catch {
        // Gone meanwhile: replaced by a newer one, which is read.
        return [];
      }
    });
}

test("no secret of any admin request is kept as it came", async (t) => {
  const daybook = await startDaybook(t, {
    yaml: "export_targets: [{ name: archive, folder: ./archive }]\n",
  });
  const secrets: string[] = [];
  /** In the form of a provider's key. */
  const secret = () => {
    secrets.push(randomBytes(24).toString("hex"));
    return `sk-proj-${secrets.at(-1)}`;
  };
  let accepted = 0;
  for (const route of ROUTES.filter(({ changes }) => changes !== undefined)) {
    const example = EXAMPLES[`${route.method} ${route.path}`] ?? assert.fail(route.path);
    const shape = z.toJSONSchema(route.body ?? z.object({}), {
      io: "input",
      unrepresentable: "any",
    }) as Shape;
    for (const field of stringsIn(shape)) {
      const { path, body, ...options } = requestOf(
        example,
        (await example.given?.(daybook.ask, daybook.home)) ?? {},
      );
      const asked = { ...options, method: route.method, body: planted(body ?? {}, field, secret()) };
      const { status, text } = await daybook.ask(path, asked);
      assert.ok(status < 500, `${route.method} ${path} ${field.join(".")}: ${status} ${text}`);
      if (status < 300) accepted++;
    }
    const { path, ...options } = requestOf(example, (await example.given?.(daybook.ask, daybook.home)) ?? {});
    const url = `${path.replace(/[^/]+$/, secret())}?${secret()}=${secret()}`;
    await daybook.ask(url, { ...options, method: route.method, body: { [secret()]: secret() } });
    const headers = {
      authorization: `Bearer ${secret()}`,
      cookie: `daybook_session=${secret()}`,
      "x-request-id": `id ${secret()}`,
    };
    await daybook.ask(path, { method: route.method, headers });
    await daybook.ask(path, { method: route.method, token: null, headers: { cookie: headers.cookie } });
  }
  assert.ok(secrets.length > 100 && accepted > 0, `${secrets.length} planted, ${accepted} accepted`);
  await daybook.settle();
  const look = (when: string) => {
    for (const [path, text] of filesBelow(daybook.home)) {
      for (const each of secrets) {
        for (const form of [
          each,
          Buffer.from(each).toString("base64").slice(0, 60),
          Buffer.from(each, "hex").toString("latin1"),
        ])
          assert.ok(!text.includes(form), `${path} (${when}) holds a secret`);
      }
    }
  };
  look("running");
  await daybook.server.close(0);
  look("closed");
});
