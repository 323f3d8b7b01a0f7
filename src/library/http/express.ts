// Express, 4 and 5, and whatever else takes Connect's middleware.
import type { IncomingMessage, ServerResponse } from "node:http";
import { type MiddlewareOptions, requestEvents } from "./request-event.ts";
import { errorHolder } from "./thrown.ts";

interface ExpressRequest extends IncomingMessage {
  readonly baseUrl?: string;
  readonly route?: { readonly path?: unknown };
}
type Next = (error?: unknown) => void;

/** One event for each request: the first middleware, before those that read bodies or refuse. */
export function auditExpress(
  options: MiddlewareOptions,
): (request: ExpressRequest, response: ServerResponse, next: Next) => void {
  const begin = requestEvents(options);
  return (request, response, next) => {
    const ending = () => ({ endpoint: templateOf(request) });
    const begun = begin(request, response, ending);
    if (begun === null) return next();
    errorHolder.set(request, begun.failedWith);
    if (begun.admitted === true) return next();
    void begun.admitted.then((isAdmitted) => isAdmitted && next());
  };
}

/** The last error middleware but the service's own: keeps the class of what a handler threw, and passes it on. */
export function auditExpressErrors(
  error: unknown,
  request: IncomingMessage,
  _response: ServerResponse,
  next: Next,
): void {
  errorHolder.get(request)?.(error);
  next(error);
}

/** A route's path below its routers; a pattern that is no text stands for nothing that may be told. */
function templateOf({ route, baseUrl = "" }: ExpressRequest): string | null {
  return typeof route?.path === "string" ? `${baseUrl}${route.path}` : null;
}
