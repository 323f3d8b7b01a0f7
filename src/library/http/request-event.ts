// The event of one request to a service on node:http, whatever framework is above it. Begun on entry, finished exactly
// once: when the answer is handed over as a whole, or the connection is gone. Handlers only annotate.
import type { IncomingMessage, ServerResponse } from "node:http";
import { newRequestId, newTraceId } from "../../event/ids.ts";
import { failed } from "../../event/outcomes.ts";
import { clientAddress } from "../../node/client-address.ts";
import { messageBytes } from "../../protocols/message-bytes.ts";
import { requestIdFrom, traceFrom } from "../../protocols/request-ids.ts";
import type { Annotations } from "../annotations.ts";
import type { EventHandle } from "../event-handle.ts";
import type { DaybookRecorder } from "../library-recorder.ts";
import { holdEvent } from "./annotate.ts";
import { classifier, type RouteFacts, type RouteRule } from "./route-rules.ts";
import { outcomeOfStatus } from "./status-outcome.ts";

export interface MiddlewareOptions {
  readonly recorder: DaybookRecorder;
  /** What paths are; all others are kind `api`, action `request`. */
  readonly routes?: readonly RouteRule[];
  /** Paths that are not recorded, as in rules: `/healthz`, `/static/*`. */
  readonly skip?: readonly string[];
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly string[];
  /** Record clients' `User-Agent`; false. */
  readonly userAgent?: boolean;
  /** What is known of a request on entry: who asks, say. */
  readonly about?: (request: IncomingMessage) => Annotations;
}

/** What a framework knows when the answer is over. */
export interface Ending {
  /** The route's template; null: none served it. */
  readonly endpoint?: string | null;
  readonly errorType?: string | null;
}

export interface RequestEvent {
  readonly event: EventHandle;
  /** Resolves false when the work may not be done: the kind is strict and cannot be recorded. 503 is answered then. */
  readonly admitted: Promise<boolean> | true;
  /** A handler threw: its class is kept with the outcome. */
  failedWith(error: unknown): void;
}

/** Begins the event of a request; null: it is not recorded. `ending` is asked once, in the end. */
export type BeginRequest = (
  request: IncomingMessage,
  response: ServerResponse,
  ending?: () => Ending,
) => RequestEvent | null;

export function requestEvents(options: MiddlewareOptions): BeginRequest {
  const { recorder, routes = [], skip = [], trustedProxies = [], userAgent = false, about } = options;
  const classify = classifier(routes, skip);
  const addressOf = clientAddress(trustedProxies);
  return (request, response, ending) => {
    const facts = classify(request.method ?? "", request.url ?? "");
    if (facts === null) return null;
    const { headers } = request;
    const requestId = requestIdFrom(headers["x-request-id"]) ?? newRequestId();
    const traceId = traceFrom(headers.traceparent, headers["x-trace-id"]) ?? newTraceId();
    const event = recorder.begin({
      ...facts,
      requestId,
      traceId,
      caller: "http",
      method: request.method ?? null,
      clientIp: addressOf(request),
      ...(userAgent ? { userAgent: headers["user-agent"] ?? null } : {}),
    });
    // Where the service's own word throws, as a handler may, the request has its event all the same.
    const failure = about === undefined ? null : failureOf(() => event.note(about(request)));
    response.setHeader("x-request-id", requestId);
    response.setHeader("x-trace-id", traceId);
    holdEvent(request, event);
    const followed = follow(event, facts, { request, response, ending });
    if (failure === null) return followed;
    followed.failedWith(failure.error);
    throw failure.error;
  };
}

function failureOf(work: () => void): { readonly error: unknown } | null {
  try {
    work();
    return null;
  } catch (error) {
    return { error };
  }
}

interface Followed {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly ending: (() => Ending) | undefined;
}

function follow(
  event: EventHandle,
  facts: RouteFacts,
  { request, response, ending }: Followed,
): RequestEvent {
  const bytes = messageBytes(request, response);
  let thrown: string | null = null;
  const finish = (isWhole: boolean, isHanded: boolean) => {
    if (event.isOver) return;
    const { endpoint = null, errorType = thrown } = ending?.() ?? {};
    event.note({
      ...(isHanded ? bytes() : { requestSize: bytes().requestSize }),
      ...(facts.endpoint === null && endpoint !== null ? { endpoint } : {}),
    });
    event.finish(isWhole ? outcomeOfStatus(response.statusCode, errorType) : failed("client_disconnected"));
  };
  response.once("finish", () => finish(true, true));
  response.once("close", () => finish(response.writableFinished, true));
  if (event.isStrict) holdBack(event, response, () => finish(true, false));
  const admitted = event.isStrict ? admission(event, response) : true;
  return {
    event,
    admitted,
    failedWith(error) {
      thrown = error instanceof Error ? error.name : null;
    },
  };
}

async function admission(event: EventHandle, response: ServerResponse): Promise<boolean> {
  if (await event.announce()) return true;
  if (event.isOver) return false;
  event.finish(failed("audit_unavailable"));
  response.writeHead(503, { "content-type": "text/plain" }).end("The request could not be recorded.\n");
  return false;
}

/** Strict: the end of the answer waits until the outcome is durable; where that fails, the answer is cut. */
function holdBack(event: EventHandle, response: ServerResponse, finish: () => void): void {
  const end = response.end.bind(response) as (...given: unknown[]) => ServerResponse;
  let isEnding = false;
  response.end = ((...given: unknown[]) => {
    if (isEnding || event.isOver) return end(...given);
    isEnding = true;
    finish();
    void event.settled().then((isDurable) => {
      if (isDurable) end(...given);
      else if (response.headersSent) response.destroy();
      else response.writeHead(503).end();
    });
    return response;
  }) as ServerResponse["end"];
}
