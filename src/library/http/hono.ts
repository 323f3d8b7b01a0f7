// Hono on Node (@hono/node-server).
import type { IncomingMessage, ServerResponse } from "node:http";
import { DaybookError } from "../../event/errors.ts";
import { holdEvent } from "./annotate.ts";
import { type MiddlewareOptions, requestEvents } from "./request-event.ts";

interface HonoContext {
  readonly env: unknown;
  readonly req: { readonly raw: object; readonly routePath: string };
  readonly res: { readonly status: number };
  readonly error: Error | undefined;
}

/** One event for each request: `app.use(auditHono({ recorder }))`, before the routes. */
export function auditHono(
  options: MiddlewareOptions,
): (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined> {
  const begin = requestEvents(options);
  return async (context, next) => {
    const { incoming, outgoing } = (context.env ?? {}) as {
      readonly incoming?: IncomingMessage;
      readonly outgoing?: ServerResponse;
    };
    if (incoming === undefined || outgoing === undefined)
      throw new DaybookError("bad_argument", "auditHono records requests that @hono/node-server serves.");
    let endpoint: string | null = null;
    const begun = begin(incoming, outgoing, () => ({ endpoint }));
    if (begun === null) return void (await next());
    holdEvent(context.req.raw, begun.event);
    // The 503 is on its way already.
    if (begun.admitted !== true && !(await begun.admitted)) return alreadySent();
    await next();
    // The middleware's own pattern stands where no route served it.
    endpoint = /\*/.test(context.req.routePath) ? null : context.req.routePath;
    if (context.error !== undefined) begun.failedWith(context.error);
  };
}

/** As @hono/node-server is told that a response was sent past it. */
function alreadySent(): Response {
  return new Response(null, { headers: { "x-hono-already-sent": "true" } });
}
