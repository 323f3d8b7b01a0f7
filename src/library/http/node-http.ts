// node:http: wraps the handler of a server.
import type { IncomingMessage, ServerResponse } from "node:http";
import { type MiddlewareOptions, requestEvents } from "./request-event.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** The handler, with one event for each request. What it throws is thrown on. */
export function auditedHandler(options: MiddlewareOptions, handler: Handler): Handler {
  const begin = requestEvents(options);
  return (request, response) => {
    const begun = begin(request, response);
    if (begun === null) return handler(request, response);
    const { admitted, failedWith } = begun;
    const run = () => {
      try {
        const result = handler(request, response);
        if (result instanceof Promise) return result.catch(told);
        return result;
      } catch (error) {
        return told(error);
      }
    };
    const told = (error: unknown) => {
      failedWith(error);
      throw error;
    };
    return admitted === true ? run() : admitted.then((isAdmitted) => (isAdmitted ? run() : undefined));
  };
}
