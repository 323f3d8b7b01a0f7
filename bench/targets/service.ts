// A small service for the bench of the library. Usage: service <framework> with | without <folder>; says its port when it
// serves. It does what a small service does: reads JSON, asks its database, and answers.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { json } from "node:stream/consumers";
import { fastify } from "fastify";
import { createRecorder } from "../../src/library/index.ts";
import { auditExpress, auditedHandler, auditFastify, auditHono } from "../../src/library/middleware.ts";

/** Rows that an answer is made of. */
const ROWS = 10_000;

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

const [framework = "", audit = "", folder = ""] = process.argv.slice(2);
const engines = createRequire(new URL("../../test/engines/package.json", import.meta.url));
const recorder = audit === "with" ? await createRecorder({ folder }) : null;

const database = new DatabaseSync(":memory:");
database.exec("CREATE TABLE sizes (id INTEGER PRIMARY KEY, owner INTEGER, size INTEGER)");
const insert = database.prepare("INSERT INTO sizes (owner, size) VALUES (?, ?)");
for (let row = 0; row < ROWS; row++) insert.run(row % 20, (row * 7919) % 1000);
const select = database.prepare(
  "SELECT owner, sum(size) AS size FROM sizes GROUP BY owner ORDER BY size DESC",
);

/** The service's own work, about a millisecond. */
const work = (body: unknown) => ({ sizes: select.all(), body });

const LISTENERS: Readonly<Record<string, () => Listener | Promise<Listener>>> = {
  "node:http": () => {
    const handler = async (request: IncomingMessage, response: ServerResponse) => {
      const body = JSON.stringify(work(await json(request)));
      response.writeHead(200, { "content-type": "application/json" }).end(body);
    };
    const routes = [{ path: "/work", kind: "api", action: "work" }] as const;
    return recorder === null ? handler : auditedHandler({ recorder, routes }, handler);
  },
  async Fastify() {
    const app = fastify();
    if (recorder !== null) app.register(auditFastify({ recorder }));
    app.post("/work", async ({ body }) => work(body));
    await app.ready();
    return (request, response) => app.routing(request, response);
  },
  Express() {
    const express = engines("express");
    const app = express();
    if (recorder !== null) app.use(auditExpress({ recorder }));
    app.use(express.json());
    app.post("/work", (request: { body: unknown }, response: { json(body: unknown): void }) =>
      response.json(work(request.body)),
    );
    return app;
  },
  Hono() {
    const { Hono } = engines("hono");
    const app = new Hono();
    if (recorder !== null) app.use(auditHono({ recorder }));
    app.post("/work", async (context: { req: { json(): Promise<unknown> }; json(body: unknown): Response }) =>
      context.json(work(await context.req.json())),
    );
    return engines("@hono/node-server").getRequestListener(app.fetch);
  },
};

const listener = await LISTENERS[framework]?.();
if (listener === undefined) throw new Error(`There is no framework ${framework}.`);
const server = createServer((request, response) => void listener(request, response));
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
