// What `import … from "daybook/middleware"` gives: one event for each request to a service.
export { annotate, eventOf, type RequestOfFramework } from "./http/annotate.ts";
/** Express, and what else takes Connect's middleware. */
export { auditExpress, auditExpressErrors } from "./http/express.ts";
/** Fastify. */
export { auditFastify } from "./http/fastify.ts";
/** Hono on Node. */
export { auditHono } from "./http/hono.ts";
/** node:http. */
export { auditedHandler } from "./http/node-http.ts";
export type { MiddlewareOptions } from "./http/request-event.ts";
export type { RouteRule } from "./http/route-rules.ts";
