// The API on Fastify, without a listener of its own: the server hands it requests through `routing`. Hooks decide in
// one place what every request leaves in the trail and who may ask; routes only answer.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { newRequestId } from "../event/ids.ts";
import { requestIdFrom } from "../protocols/request-ids.ts";
import type { ApiParts, MissingPage } from "./api-parts.ts";
import { REQUEST, RequestAudit } from "./audit.ts";
import { authenticate, client, type Holder, isLocal, mayAsk, refuseCrossSite } from "./authorize.ts";
import { FeedPlaces } from "./feed/places.ts";
import { type Identify, Tickets } from "./feed/tickets.ts";
import { answerUpgrade } from "./feed/upgrades.ts";
import { LoginThrottle } from "./login-throttle.ts";
import { PageSeal } from "./page-seal.ts";
import { problemOf, Refusal, refusalOf } from "./problem.ts";
import { readBody, readQuery } from "./read-request.ts";
import type { Call, Route } from "./route.ts";
import { ROUTES } from "./routes.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** null while the path is not audited. */
    audit: RequestAudit | null;
    /** Who asks; null where no token is needed. */
    holder: Holder | null;
    /** Who asks, if asked again later. */
    identify: Identify | null;
  }
  interface FastifyContextConfig {
    route?: Route;
  }
}

const MAX_BODY_BYTES = 1_048_576;

/** What outlives a request. */
type Lasting = Pick<Call, "parts" | "pageSeal" | "throttle" | "tickets" | "feedPlaces">;

/**
 * The API as a request handler: after `await api.ready()`, `api.routing(request, response)` answers. Every
 * response has `x-request-id`, every error is problem details (RFC 9457), every audited request leaves exactly
 * one event.
 */
export function createApi(parts: ApiParts): FastifyInstance {
  const now = () => parts.now();
  const lasting: Lasting = {
    parts,
    pageSeal: new PageSeal(),
    throttle: new LoginThrottle(now),
    tickets: new Tickets(now),
    feedPlaces: new FeedPlaces(),
  };
  const app = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
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
  app.decorateRequest("identify", null);
  // Only JSON: what a form of another site can send is not understood.
  app.removeContentTypeParser("text/plain");
  app.addContentTypeParser(
    "application/x-ndjson",
    { parseAs: "buffer" },
    async (request: FastifyRequest, body: Buffer) => {
      if (request.routeOptions.config.route?.linesBytes !== undefined) return body;
      throw new Refusal("invalid_request", { detail: "Lines are not read here.", errorType: "bad_field" });
    },
  );
  app.addHook("onRequest", async (request, reply) => {
    const { route } = request.routeOptions.config;
    open(parts, request, reply, route);
    if (route === undefined) throw notServed(request);
    admit(lasting, request, route);
    if (isBegunAtOnce(request, route)) request.audit?.begin();
  });
  app.addHook("onSend", async (request, reply, payload) => {
    const unrecorded = (await request.audit?.beforeAnswer(reply)) ?? null;
    return unrecorded === null ? payload : problemText(refusalOf(unrecorded).refusal, request, reply);
  });
  app.setErrorHandler(async (error, request, reply) => {
    const page = isLookedAt(request) ? ((await parts.missingPage?.(request.url)) ?? null) : null;
    return refuse(parts, error, request, reply, page);
  });
  for (const route of ROUTES) {
    app.route({
      method: route.method,
      url: route.path,
      config: { route },
      bodyLimit: route.linesBytes ?? MAX_BODY_BYTES,
      handler: async (request, reply) => {
        const call = callOf(lasting, route, request, reply);
        const { audit } = request;
        const answer = await (route.changes === undefined || audit === null
          ? route.answer(call)
          : audit.during(() => route.answer(call)));
        if (reply.sent) return reply;
        if (answer === undefined) return reply.code(204).send();
        if (route.status !== undefined) reply.code(route.status);
        return answer;
      },
    });
  }
  return app;
}

const WEB_SOCKETS: ReadonlySet<string> = new Set(
  ROUTES.filter(({ opensFeed }) => opensFeed === "web_socket").map(({ path }) => path),
);

/** For the listener: requests that may go on as a WebSocket, which `handler` decides on. */
export function upgradesOf(handler: (request: IncomingMessage, response: ServerResponse) => void) {
  return {
    accepts: ({ url = "" }: IncomingMessage) => WEB_SOCKETS.has(url.split("?", 1)[0] ?? ""),
    answer: (request: IncomingMessage, socket: Socket, head: Buffer) =>
      answerUpgrade(handler, request, socket, head),
  };
}

/** Ids onto the response, and the event of an audited request begun. */
function open(parts: ApiParts, request: FastifyRequest, reply: FastifyReply, route: Route | undefined): void {
  reply.header("x-request-id", request.id);
  reply.header("cache-control", "no-store");
  reply.header("x-content-type-options", "nosniff");
  const changes = route?.changes;
  if (route?.audit === null && changes === undefined) return;
  const kind =
    changes === undefined
      ? (route?.audit ?? REQUEST)
      : { kind: changes.kind ?? "admin", action: changes.action };
  const about = {
    endpoint: (route ?? templatesOf(request)[0])?.path ?? null,
    ...(changes === undefined ? {} : { entityType: changes.entityType }),
  };
  const audit = new RequestAudit(parts, request, kind, about);
  audit.continues = route?.isQuiet ?? false;
  request.audit = audit;
  reply.header("x-trace-id", audit.traceId);
  audit.settleWith(request, reply);
}

/** Not a change, which may be its own event, nor a further page, which may belong to that of its query. */
function isBegunAtOnce({ query }: FastifyRequest, { takes, changes, isQuiet }: Route): boolean {
  return (
    changes === undefined &&
    !isQuiet &&
    !(takes === "filter and page" && (query as URLSearchParams).has("cursor"))
  );
}

/** Throws the refusal of a request that may not ask `route`. */
function admit({ parts, tickets }: Lasting, request: FastifyRequest, route: Route): void {
  const { access, changes, acts, opensFeed } = route;
  const isOpen = access === "anyone" || (access === "local" && isLocal(parts, request));
  if (!isOpen) {
    const { headers } = request;
    const ticket = opensFeed ? (request.query as URLSearchParams).get("ticket") : null;
    const identify =
      ticket === null
        ? () => (access === "client" ? client(parts, { headers }) : authenticate(parts, { headers }))
        : tickets.take(ticket);
    const holder = identify();
    request.holder = holder;
    request.identify = identify;
    const { userId, tokenId, session } = holder;
    request.audit?.note({ userId, apiKeyId: tokenId, sessionId: session?.id ?? null });
    if (typeof access !== "string") mayAsk(holder, access);
  }
  // A WebSocket of another site's page would be read by that page.
  if ((changes !== undefined || acts || opensFeed === "web_socket") && parts.trusted === undefined)
    refuseCrossSite(request, request.holder);
}

function callOf(lasting: Lasting, route: Route, request: FastifyRequest, reply: FastifyReply): Call {
  const { audit, holder, identify } = request;
  const search = new URLSearchParams(request.query as URLSearchParams);
  const committed = (eventId: string) => {
    if (audit !== null) audit.changed = eventId;
  };
  return {
    ...lasting,
    get reader() {
      return lasting.parts.reader.until(leaving(reply));
    },
    request,
    reply,
    audit,
    holder,
    identify,
    search,
    params: request.params as Record<string, string>,
    query: readsQuery(route) ? readQuery(route.query, ownParameters(route, search)) : undefined,
    body: readBody(route.body, request.body),
    actor: { ...audit?.who, committed },
  };
}

/** Aborted when the client goes before it has its answer. */
function leaving({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController();
  raw.once("close", () => {
    if (!raw.writableFinished) left.abort(new Refusal("client_disconnected"));
  });
  return left.signal;
}

/** Probes may say what they like: what leaves no event takes no parameters, and refuses none. */
function readsQuery({ takes, query, audit, changes }: Route): boolean {
  return query !== undefined || (takes === undefined && (audit !== null || changes !== undefined));
}

/** Taken out of `search` where the trail's queries are to read the rest of it. */
function ownParameters({ takes, query }: Route, search: URLSearchParams): URLSearchParams {
  if (takes === undefined) return search;
  const names = Object.keys(query?.shape ?? {});
  const own = new URLSearchParams([...search].filter(([name]) => names.includes(name)));
  for (const name of names) search.delete(name);
  return own;
}

/** Somebody typed the address of a page: programs that ask for what there is not say who they are, or want no page. */
function isLookedAt({ method, headers, routeOptions }: FastifyRequest): boolean {
  return (
    routeOptions.config?.route === undefined &&
    (method === "GET" || method === "HEAD") &&
    headers.authorization === undefined &&
    /(?:^|,)\s*text\/html\b/i.test(headers.accept ?? "")
  );
}

/** `page`: what a browser shows where nothing is. */
function refuse(
  parts: ApiParts,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  page: MissingPage | null = null,
): FastifyReply {
  const { audit } = request;
  const given = refusalOf(error).refusal;
  audit?.note(given.facts);
  let cause = error;
  try {
    // A counted refusal has no trace to follow.
    if (audit?.refuse(given.outcome)) reply.removeHeader("x-trace-id");
  } catch (unrecorded) {
    cause = unrecorded;
  }
  const { refusal, fault } = refusalOf(cause);
  if (fault) parts.report?.(cause, request.id);
  if (audit) audit.outcome = refusal.outcome;
  const text = problemText(refusal, request, reply);
  if (page === null || refusal.outcome.errorCode !== "not_found") return reply.send(text);
  return reply.headers(page.headers).send(page.body);
}

/** The body of a refusal, and its head onto `reply`. */
function problemText(refusal: Refusal, request: FastifyRequest, reply: FastifyReply): string {
  const eventId = request.audit?.eventId;
  const instance = eventId ? `/admin/audit-logs/${eventId}` : (request.routeOptions.url ?? "/");
  const problem = problemOf(refusal, instance, request.id);
  reply.code(problem.status).headers(refusal.headers).type("application/problem+json");
  return JSON.stringify(problem);
}

function notServed(request: FastifyRequest): Refusal {
  const known = templatesOf(request);
  const path = known[0]?.path;
  if (path === undefined) return new Refusal("not_found", { detail: "There is no such path." });
  const methods = known
    .filter((route) => route.path === path)
    .flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  return new Refusal("method_not_allowed", {
    detail: `${path} answers ${new Intl.ListFormat("en").format(methods)} only.`,
    headers: { allow: methods.join(", ") },
  });
}

/** The routes whose path the request names, whatever its method; those with the fewest parameters first. */
function templatesOf(request: FastifyRequest): Route[] {
  const segments = (request.url.split("?", 1)[0] ?? "").split("/");
  const parameters = ({ path }: Route) => path.split("/:").length;
  return ROUTES.filter(({ path }) => {
    const parts = path.split("/");
    const same = (part: string, at: number) =>
      part.startsWith(":") ? segments[at] !== "" : part === segments[at];
    return parts.length === segments.length && parts.every(same);
  }).toSorted((one, other) => parameters(one) - parameters(other));
}
