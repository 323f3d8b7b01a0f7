// What a change of control is to the trail: who makes it, what it does to one entity, and its audit event.
import { DaybookError } from "../event/errors.ts";
import type { Facts, Kind } from "../event/fields.ts";
import { newEventId, newRequestId } from "../event/ids.ts";
import { redactText } from "../event/redaction.ts";

/** Who makes a change, and in which request. A token's id goes to `apiKeyId`. */
export type Actor = Pick<
  Facts,
  | "userId"
  | "apiKeyId"
  | "clientIp"
  | "caller"
  | "profile"
  | "requestId"
  | "traceId"
  | "sessionId"
  | "method"
  | "endpoint"
> & {
  /** Told the id of the change's event, once it is committed. May not throw. */
  readonly committed?: ((eventId: string) => void) | undefined;
};

/** What a change is, for its audit event. */
export interface Entry {
  readonly action: string;
  readonly entityType: string;
  /** `admin` unless said. */
  readonly kind?: Extract<Kind, "admin" | "auth"> | undefined;
  /** The reason given for it, at most 500 characters. */
  readonly justification?: string | null | undefined;
  /** Other types of entities that it changes: what shows them in memory is read again. */
  readonly touches?: readonly string[] | undefined;
}

export type Value = string | number | boolean | null | readonly string[];
export type Values = Readonly<Record<string, Value>>;

/** What a change did to one entity. Secrets appear as flags. Null values: there was, or is, no such entity. */
export interface Difference {
  readonly entityId: string;
  readonly oldValues: Values | null;
  readonly newValues: Values | null;
}

/**
 * The facts of a change's event. Throws `bad_argument` when a new value or the reason looks like a secret: neither
 * the trail nor control.db is the place for one.
 */
export function auditFacts(actor: Actor, entry: Entry, difference: Difference, now: number): Facts {
  const { committed: _, ...who } = actor;
  const { entityId, oldValues, newValues } = difference;
  for (const [name, value] of Object.entries({ ...newValues, justification: entry.justification ?? null }))
    refuseSecret(name, value);
  return {
    ...who,
    eventId: newEventId(),
    kind: entry.kind ?? "admin",
    action: entry.action,
    count: 1,
    timestamp: now,
    requestId: actor.requestId ?? newRequestId(),
    policyDecision: "n/a",
    entityType: entry.entityType,
    entityId,
    oldValues,
    newValues,
    ...(entry.justification == null ? {} : { justification: entry.justification }),
  };
}

function refuseSecret(name: string, value: Value): void {
  const texts = typeof value === "string" ? [value] : Array.isArray(value) ? value : [];
  for (const text of texts) {
    if (redactText(text).redactions > 0)
      throw new DaybookError("bad_argument", `${name} looks like a secret, which may not be kept there.`);
  }
}

/** `before` and `after` without what is equal in both; null when everything is. */
export function differing(
  before: Values,
  after: Values,
): { readonly oldValues: Values; readonly newValues: Values } | null {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => JSON.stringify(before[name] ?? null) !== JSON.stringify(after[name] ?? null),
  );
  if (names.length === 0) return null;
  const only = (values: Values) => Object.fromEntries(names.map((name) => [name, values[name] ?? null]));
  return { oldValues: only(before), newValues: only(after) };
}

/** A filter (parameters of a URL) as values, each parameter by itself, so that an erasure finds whom they name. */
export function filterValues(name: string, filter: string): Values {
  const asked = new URLSearchParams(filter);
  return Object.fromEntries(
    [...new Set(asked.keys())].map((each) => [`${name}.${each}`, asked.getAll(each)]),
  );
}
