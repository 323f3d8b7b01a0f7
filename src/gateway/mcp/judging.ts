// What a call's event says of what is asked, and what policies say of it: the same for every way in.
import type { Facts } from "../../event/fields.ts";
import { redactText } from "../../event/redaction.ts";
import type { McpRequest } from "../../protocols/mcp-messages.ts";
import type { Key } from "../inference.ts";
import { type Rulings, rulingFacts, type Spent } from "../rulings.ts";
import type { McpCall } from "./call.ts";
import type { ArgumentMode, Offers } from "./offers.ts";
import type { Rounds } from "./rounds.ts";

/** What leaves events, and what of it. Refusals always do. */
export interface McpAudit {
  readonly enabled: boolean;
  readonly arguments: ArgumentMode;
  /** List calls too. */
  readonly lists: boolean;
}

/** What the event of a call says of what is asked. */
export function callFacts(
  { spec, name, arguments: given, parentEventId, state }: McpRequest,
  offers: Offers,
  { audit, rounds }: { readonly audit: McpAudit; readonly rounds: Rounds },
): Facts {
  const facts: Facts = {
    name: name === null ? null : spec.named === "uri" ? offers.resourceName(name) : shortName(name),
    parentEventId: parentEventId ?? (state === null ? null : rounds.eventOf(state)),
  };
  if (given === undefined) return facts;
  const { value, redactions, truncated } = offers.redact(name, given, audit.arguments);
  if (typeof value !== "object" || value === null) return facts;
  return { ...facts, inputJson: value as Record<string, unknown>, redactions, truncated };
}

/** What looks like a secret is nobody's name. */
function shortName(name: string): string | null {
  return name.length <= 255 && redactText(name).redactions === 0 ? name : null;
}

/** What a policy is asked beside the message. */
export interface RulingContext {
  readonly rulings: Rulings;
  /** Of the configuration; policies may ask for it. */
  readonly profile: string | null;
  readonly server: string;
  readonly key: Key | null;
  readonly caller?: string;
  /** Of all calls that are asked for at once. */
  readonly spent?: Spent;
}

/** Asks policies of an execution; what they say is noted. Null: it may go on; else why not. */
export function denial(
  call: McpCall,
  message: McpRequest,
  context: RulingContext,
): { reason: string | null } | null {
  const { spec, name, bytes, arguments: given } = message;
  const { rulings, profile, server, key, caller = "http", spent } = context;
  if (spec.named === undefined) return null;
  const question = {
    kind: "mcp" as const,
    action: spec.action ?? "request",
    name,
    server,
    model: null,
    route: null,
    userId: key?.userId ?? null,
    apiKeyId: key?.id ?? null,
    profile,
    caller,
    requestSize: bytes,
    maxTokens: null,
    streaming: false,
    toolCount: 0,
    arguments: given,
  };
  const ruling = rulings.decide(question, spent);
  if (ruling.decision === "n/a") return null;
  if (ruling.decision === "deny") call.tell();
  call.note(rulingFacts(ruling));
  return ruling.decision === "deny" ? { reason: ruling.reason } : null;
}
