// The same small service on each framework, with its middleware: routes that answer, fail, stream, and annotate.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import type { DaybookRecorder } from "../../src/library/index.ts";
import {
  annotate,
  auditExpress,
  auditExpressErrors,
  auditedHandler,
  auditFastify,
  auditHono,
  type MiddlewareOptions,
} from "../../src/library/middleware.ts";

export interface Example {
  readonly url: string;
  close(): Promise<void>;
}

export const ABOUT = { userId: "ann", sessionId: "ses_1", resourceUsage: { rows: 3 } } as const;

const engines = createRequire(new URL("../engines/package.json", import.meta.url));

/** The shapes of the packages that are fetched for tests alone. */
type Route = (path: string, ...handlers: unknown[]) => void;
interface Express {
  (): {
    use(handler: unknown): void;
    get: Route;
    post: Route;
    (request: IncomingMessage, response: ServerResponse): void;
  };
  json(): unknown;
}
interface Context {
  readonly req: { readonly raw: Request; json(): Promise<unknown> };
  text(text: string, status?: number): Response;
  body(body: ReadableStream): Response;
}
interface Hono {
  use(handler: unknown): void;
  get(path: string, handler: (context: Context) => Response | Promise<Response>): void;
  post(path: string, handler: (context: Context) => Response | Promise<Response>): void;
  readonly fetch: unknown;
}

export function optionsFor(recorder: DaybookRecorder): MiddlewareOptions {
  return {
    recorder,
    routes: [{ path: "/files/:name", kind: "file", action: "file_read" }],
    skip: ["/healthz", "/static/*"],
  };
}

/** Ten chunks, one a turn; it goes on until somebody stops it where `endless`. */
async function* chunks(endless: boolean) {
  for (let n = 0; endless || n < 10; n++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield Buffer.from("chunk ".repeat(100));
  }
}

async function listening(
  handler: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<Example> {
  const server = createServer((request, response) => void handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function pour(response: ServerResponse, endless: boolean): Promise<void> {
  for await (const chunk of chunks(endless)) {
    if (response.destroyed) return;
    response.write(chunk);
  }
  response.end();
}

function plain(recorder: DaybookRecorder): Promise<Example> {
  const options: MiddlewareOptions = {
    ...optionsFor(recorder),
    routes: [
      ...(optionsFor(recorder).routes ?? []),
      ...["/ok", "/throws", "/stream", "/endless", "/body"].map(
        (path) => ({ path, kind: "api", action: "request" }) as const,
      ),
    ],
  };
  const audited = auditedHandler(options, (request, response) => {
    const path = request.url?.split("?")[0] ?? "";
    if (path === "/ok" || path === "/healthz") {
      annotate(request, ABOUT);
      response.end("ok");
    } else if (path.startsWith("/files/")) response.end("file");
    else if (path === "/throws") throw new RangeError("secret words");
    else if (path === "/stream" || path === "/endless") return pour(response, path === "/endless");
    else if (path === "/body") response.writeHead(400).end();
    else response.writeHead(404).end();
    return undefined;
  });
  return listening((request, response) => {
    try {
      return audited(request, response);
    } catch {
      response.writeHead(500).end();
    }
  });
}

async function onExpress(recorder: DaybookRecorder): Promise<Example> {
  const express = engines("express") as Express;
  const app = express();
  app.use(auditExpress(optionsFor(recorder)));
  app.use(express.json());
  app.get("/healthz", (_: unknown, response: ServerResponse) => response.end("ok"));
  app.get("/ok", (request: IncomingMessage, response: ServerResponse) => {
    annotate(request, ABOUT);
    response.end("ok");
  });
  app.get("/files/:name", (_: unknown, response: ServerResponse) => response.end("file"));
  app.get("/throws", () => {
    throw new RangeError("secret words");
  });
  app.get("/stream", (_: unknown, response: ServerResponse) => pour(response, false));
  app.get("/endless", (_: unknown, response: ServerResponse) => pour(response, true));
  app.post("/body", (_: unknown, response: ServerResponse) => response.end("read"));
  app.use(auditExpressErrors);
  app.use((error: { status?: number }, _request: unknown, response: ServerResponse, _next: unknown) =>
    response.writeHead(error.status ?? 500).end(),
  );
  return listening(app);
}

async function onFastify(recorder: DaybookRecorder): Promise<Example> {
  const app = fastify();
  app.register(auditFastify(optionsFor(recorder)));
  app.register(async (routes) => {
    routes.get("/healthz", async () => "ok");
    routes.get("/ok", async (request) => {
      annotate(request, ABOUT);
      return "ok";
    });
    routes.get("/files/:name", async () => "file");
    routes.get("/throws", async () => {
      throw new RangeError("secret words");
    });
    routes.get("/stream", (_, reply) => {
      reply.hijack();
      void pour(reply.raw, false);
    });
    routes.get("/endless", (_, reply) => {
      reply.hijack();
      void pour(reply.raw, true);
    });
    routes.post("/body", async () => "read");
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return { url, close: () => app.close() };
}

async function onHono(recorder: DaybookRecorder): Promise<Example> {
  const { Hono } = engines("hono") as { Hono: new () => Hono };
  const { getRequestListener } = engines("@hono/node-server") as {
    getRequestListener(fetch: unknown): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  };
  const app = new Hono();
  app.use(auditHono(optionsFor(recorder)));
  app.get("/healthz", (context) => context.text("ok"));
  app.get("/ok", (context) => {
    annotate(context, ABOUT);
    return context.text("ok");
  });
  app.get("/files/:name", (context) => context.text("file"));
  app.get("/throws", () => {
    throw new RangeError("secret words");
  });
  app.get("/stream", (context) => context.body(ReadableStream.from(chunks(false))));
  app.get("/endless", (context) => context.body(ReadableStream.from(chunks(true))));
  app.post("/body", async (context) => {
    try {
      await context.req.json();
      return context.text("read");
    } catch {
      return context.text("bad", 400);
    }
  });
  return listening(getRequestListener(app.fetch));
}

export const EXAMPLES: Readonly<Record<string, (recorder: DaybookRecorder) => Promise<Example>>> = {
  "node:http": plain,
  Express: onExpress,
  Fastify: onFastify,
  Hono: onHono,
};
