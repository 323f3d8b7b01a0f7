// The read API on Fastify, without a listener of its own: the server hands it requests through `routing`.
// Hooks decide in one place what every request leaves in the trail and who may ask; routes only answer.
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { newRequestId } from "../event/ids.ts";
import { requestIdFrom } from "../protocols/request-ids.ts";
import type { ApiParts, TokenHolder } from "./api-parts.ts";
import { REQUEST, RequestAudit } from "./audit.ts";
import { authorize, isLocal, mayRead } from "./authorize.ts";
import { PageSeal } from "./page-seal.ts";
import { problemOf, Refusal, refusalOf } from "./problem.ts";
import { ROUTES, type Route } from "./routes.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** null while the path is not audited. */
    audit: RequestAudit | null;
    /** Who asks; null where no token is needed. */
    holder: TokenHolder | null;
  }
}

/**
 * The API as a request handler: after `await api.ready()`, `api.routing(request, response)` answers. Every
 * response has `x-request-id`, every error is problem details (RFC 9457), every audited request leaves exactly
 * one event.
 */
export function createApi(parts: ApiParts): FastifyInstance {
  const app = fastify({
    logger: false,
    genReqId: ({ headers }) => requestIdFrom(headers["x-request-id"]) ?? newRequestId(),
    // Draining is the server's to announce; what reaches the API is answered and recorded.
    return503OnClosing: false,
    // Long enough that Node's own limit on heads comes first, so that no path is refused before its hooks.
    routerOptions: {
      maxParamLength: 65_536,
      querystringParser: (text) => new URLSearchParams(text) as unknown as Record<string, unknown>,
    },
    frameworkErrors: (error, request, reply) => {
      // A path that cannot be decoded reaches no hook.
      let cause: unknown = error;
      try {
        open(parts, request as FastifyRequest, reply as FastifyReply, undefined);
      } catch (unrecorded) {
        cause = unrecorded;
      }
      refuse(parts, cause, request as FastifyRequest, reply as FastifyReply);
    },
  });
  app.decorateRequest("audit", null);
  app.decorateRequest("holder", null);
  app.addHook("onRequest", async (request, reply) => {
    const route = request.is404 ? undefined : ROUTES.find(({ path }) => path === request.routeOptions.url);
    open(parts, request, reply, route);
    if (route === undefined) throw notServed(request);
    if (route.access === "anyone" || (route.access === "local" && isLocal(parts, request))) return;
    request.holder = authorize(parts, request);
    request.audit?.note({ apiKeyId: request.holder.id });
    if (route.access === "reader") mayRead(request.holder);
  });
  app.setErrorHandler((error, request, reply) => refuse(parts, error, request, reply));
  const answering = { parts, pageSeal: new PageSeal() };
  for (const { path, answer } of ROUTES)
    app.get(path, async (request, reply) => answer(answering, request, reply));
  return app;
}

/** Ids onto the response, and the event of an audited request begun. */
function open(parts: ApiParts, request: FastifyRequest, reply: FastifyReply, route: Route | undefined): void {
  reply.header("x-request-id", request.id);
  reply.header("cache-control", "no-store");
  if (route?.audit === null) return;
  const endpoint = route ?? templateOf(request);
  const paged = route?.takes === "filter and page" && (request.query as URLSearchParams).has("cursor");
  const audit = new RequestAudit(parts, request, route?.audit ?? REQUEST, endpoint?.path ?? null, paged);
  request.audit = audit;
  reply.header("x-trace-id", audit.traceId);
  audit.settleWith(request, reply);
}

function refuse(parts: ApiParts, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { audit } = request;
  const cause = unlessUnrecorded(error, audit);
  const { refusal, fault } = refusalOf(cause);
  if (fault) parts.report?.(cause, request.id);
  if (audit) audit.outcome = refusal.outcome;
  const eventId = audit?.eventId;
  const instance = eventId ? `/admin/audit-logs/${eventId}` : (request.routeOptions.url ?? "/");
  const problem = problemOf(refusal, instance, request.id);
  return reply
    .code(problem.status)
    .headers(refusal.headers)
    .type("application/problem+json")
    .send(JSON.stringify(problem));
}

/** `error`, or what keeps the event of its request from being begun. */
function unlessUnrecorded(error: unknown, audit: RequestAudit | null): unknown {
  try {
    audit?.begin();
    return error;
  } catch (unrecorded) {
    return unrecorded;
  }
}

function notServed(request: FastifyRequest): Refusal {
  const known = templateOf(request);
  if (known === undefined) return new Refusal("not_found", { detail: "There is no such path." });
  return new Refusal("method_not_allowed", {
    detail: `${known.path} answers GET and HEAD only.`,
    headers: { allow: "GET, HEAD" },
  });
}

/** The route whose path the request names, whatever its method. */
function templateOf(request: FastifyRequest): Route | undefined {
  const segments = (request.url.split("?", 1)[0] ?? "").split("/");
  return ROUTES.find(({ path }) => {
    const parts = path.split("/");
    const same = (part: string, at: number) =>
      part.startsWith(":") ? segments[at] !== "" : part === segments[at];
    return parts.length === segments.length && parts.every(same);
  });
}
