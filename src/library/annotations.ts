// What a service may say of its work: the event's facts, less those that only Daybook gives, and less any place for
// content. Arguments of MCP calls and values of admin changes are redacted here, before anything is queued.
import { DaybookError } from "../event/errors.ts";
import { COLUMN, type Facts, FIELDS, type FieldSpec, KINDS, type Kind } from "../event/fields.ts";
import { type RedactionOptions, redact, redactText } from "../event/redaction.ts";
import type { Metadata } from "./content-names.ts";

/** Kinds of work; `system` is what Daybook says of itself. */
export type WorkKind = Exclude<Kind, "system">;

/** Only Daybook gives them; some only once, when an event begins. */
const OWN = ["eventId", "count", "inputJson", "redactions", "truncated"] as const;
const WORK_KINDS: readonly string[] = KINDS.filter((kind) => kind !== "system");
const ACTION = (FIELDS as readonly FieldSpec[])[COLUMN.action]?.pattern ?? /^$/;
const MAX_VALUES_BYTES = 8192;
const MAX_JUSTIFICATION = 500;

type Values = Readonly<Record<string, unknown>>;

export type Annotations = Omit<
  Facts,
  "kind" | "metadata" | "resourceUsage" | "oldValues" | "newValues" | (typeof OWN)[number]
> & {
  /** Scalars by name; a name that looks like content is refused. */
  readonly metadata?: Metadata | null | undefined;
  /** What was really measured: integers by name. */
  readonly resourceUsage?: Readonly<Record<string, number>> | null | undefined;
  /** Of an admin change; redacted. */
  readonly oldValues?: Values | null | undefined;
  readonly newValues?: Values | null | undefined;
  /** Of an MCP call, as they were sent; redacted as the recorder's `argumentMode` says. */
  readonly arguments?: unknown;
};

/** What begins an event. */
export type WorkFacts = Annotations & { readonly kind: WorkKind; readonly action: string };

/** How arguments are redacted. */
export type ArgumentRules = Pick<RedactionOptions, "mode" | "schema" | "paths" | "hashKey">;

/**
 * The facts that begin an event. Throws `bad_event` without a kind and an action that an event can have, else as
 * `factsOf` does.
 */
export function workFactsOf(
  work: WorkFacts,
  rules: ArgumentRules,
): Facts & Pick<WorkFacts, "kind" | "action"> {
  if (!isObject(work)) throw new DaybookError("bad_event", "its facts are no object");
  const { kind, action } = work;
  checkWork(work);
  return { ...factsOf(work, kind, rules), kind, action };
}

/**
 * The facts of `annotations`. Throws `unknown_field` on names that are not the caller's to give, `bad_event` on an
 * action that no event has.
 */
export function factsOf(annotations: Annotations, kind: Kind, rules: ArgumentRules): Facts {
  if (annotations.action !== undefined) checkAction(annotations.action);
  for (const name of OWN) if (Object.hasOwn(annotations, name)) throw new DaybookError("unknown_field", name);
  if (!isRich(annotations)) return annotations as Facts;
  const { arguments: given, ...rest } = annotations;
  const facts = { ...rest } as { -readonly [Name in keyof Facts]: Facts[Name] };
  if (given !== undefined) {
    if (kind !== "mcp") throw new DaybookError("unknown_field", `arguments of kind ${kind}`);
    const { value, redactions, truncated } = redact(given, rules);
    facts.inputJson = isObject(value) ? value : null;
    facts.redactions = redactions;
    facts.truncated = truncated;
  }
  if (isObject(rest.oldValues)) facts.oldValues = valuesOf(rest.oldValues);
  if (isObject(rest.newValues)) facts.newValues = valuesOf(rest.newValues);
  if (typeof rest.justification === "string")
    facts.justification = redactText(rest.justification.slice(0, MAX_JUSTIFICATION)).text;
  return facts;
}

/** Whether services may record this kind of work. */
export function isWorkKind(kind: string): kind is WorkKind {
  return WORK_KINDS.includes(kind);
}

/** Throws `bad_event` on a kind or an action that no event of a service has. */
export function checkWork({ kind, action }: Pick<WorkFacts, "kind" | "action">): void {
  if (!isWorkKind(kind)) throw new DaybookError("bad_event", `its kind is none of ${WORK_KINDS.join(", ")}`);
  checkAction(action);
}

function checkAction(action: unknown): void {
  if (typeof action !== "string" || !ACTION.test(action))
    throw new DaybookError("bad_event", "its action is no word such as file_read");
}

/** Whether anything of it is to be redacted; most annotations are passed on as they are. */
function isRich({ arguments: given, oldValues, newValues, justification }: Annotations): boolean {
  return given !== undefined || oldValues != null || newValues != null || justification != null;
}

function valuesOf(values: Values): Values | null {
  const { value } = redact(values, { mode: "redacted", maxBytes: MAX_VALUES_BYTES });
  return isObject(value) ? value : null;
}

function isObject(value: unknown): value is Values {
  return typeof value === "object" && value !== null;
}
