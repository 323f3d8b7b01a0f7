// How a handler finds the event of its request: by the request itself, as the handler's framework gives it.
import { DaybookError } from "../../event/errors.ts";
import type { Annotations } from "../annotations.ts";
import type { EventHandle } from "../event-handle.ts";

const EVENTS = new WeakMap<object, EventHandle>();

/** node:http's and Express's request; Fastify's, which has it as `raw`; Hono's context. */
export type RequestOfFramework =
  | object
  | { readonly raw: object }
  | { readonly req: { readonly raw: object }; readonly env?: unknown };

export function holdEvent(request: object, event: EventHandle): void {
  EVENTS.set(request, event);
}

/** The event of a request that a middleware records; null where none does. */
export function eventOf(request: RequestOfFramework): EventHandle | null {
  const { raw, req } = request as { readonly raw?: object; readonly req?: { readonly raw?: object } };
  return EVENTS.get(request) ?? EVENTS.get(raw ?? request) ?? EVENTS.get(req?.raw ?? request) ?? null;
}

/**
 * Adds to what is known of a request: its user, session, what it used. Nothing happens where the request is not
 * recorded. Throws `unknown_field`, `content_refused` or `nested_metadata`.
 */
export function annotate(request: RequestOfFramework, annotations: Annotations): void {
  if (typeof request !== "object") throw new DaybookError("bad_argument", "annotate() takes the request.");
  eventOf(request)?.note(annotations);
}
