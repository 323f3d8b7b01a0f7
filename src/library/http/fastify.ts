// Fastify: hooks for the whole application.
import type { FastifyInstance } from "fastify";
import { type MiddlewareOptions, requestEvents } from "./request-event.ts";
import { errorHolder } from "./thrown.ts";

/** A plugin: `app.register(auditFastify({ recorder }))`, before the routes. */
export function auditFastify(options: MiddlewareOptions): (app: FastifyInstance) => Promise<void> {
  const begin = requestEvents(options);
  const plugin = async (app: FastifyInstance) => {
    app.addHook("onRequest", async (request, reply) => {
      const ending = () => ({ endpoint: request.is404 ? null : (request.routeOptions.url ?? null) });
      const begun = begin(request.raw, reply.raw, ending);
      if (begun === null) return;
      errorHolder.set(request.raw, begun.failedWith);
      if (begun.admitted !== true && !(await begun.admitted)) reply.hijack();
    });
    app.addHook("onError", async (request, _reply, error) => {
      errorHolder.get(request.raw)?.(error);
    });
  };
  // As fastify-plugin does it: the hooks are for the whole application, and not for this plugin alone.
  return Object.assign(plugin, { [Symbol.for("skip-override")]: true });
}
