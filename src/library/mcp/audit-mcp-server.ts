// An MCP server of the SDK, 1.x or 2.x, in the trail: one event for each tool call, resource read and prompt get. What is
// read are the messages between the server and its transport, which are the same in both, so nothing of the server itself
// is touched. Rules are the gateway's own: arguments redacted by the tool's schema, results never read, three layers of
// failure, policies before anything runs.
import { newRequestId, newTraceId } from "../../event/ids.ts";
import { failed } from "../../event/outcomes.ts";
import { McpCall } from "../../gateway/mcp/call.ts";
import { callFacts, denial, type McpAudit } from "../../gateway/mcp/judging.ts";
import { Offers } from "../../gateway/mcp/offers.ts";
import { Rounds } from "../../gateway/mcp/rounds.ts";
import type { Rulings } from "../../gateway/rulings.ts";
import { isObject } from "../../protocols/json-members.ts";
import type { Envelope } from "../../protocols/mcp-envelopes.ts";
import { mcpErrorBody } from "../../protocols/mcp-errors.ts";
import { idOf, isMcpRefusal, type McpId, type McpRequest, readMcp } from "../../protocols/mcp-messages.ts";
import { type Annotations, factsOf } from "../annotations.ts";
import { coreOf } from "../core-recorder.ts";
import type { DaybookRecorder } from "../library-recorder.ts";
import { intercept, type Transport } from "./intercept.ts";

export interface McpServerOptions {
  readonly recorder: DaybookRecorder;
  /** What the trail calls the server. */
  readonly name: string;
  /** Policies: asked before anything runs. */
  readonly rulings?: Rulings;
  /** List calls leave events too; false. */
  readonly lists?: boolean;
  /** What else is known of a call: who asks, say. `extra` is what the SDK hands on with the message. */
  readonly about?: (extra: unknown) => Annotations;
}

const STRICT_DEADLINE_MS = 2000;
const UNRULED: Rulings = { decide: () => ({ decision: "n/a", reason: null, policies: [] }) };

/** The server, recorded from its next `connect` on. */
export function auditMcpServer<Server extends { connect(transport: never): Promise<void> }>(
  server: Server,
  options: McpServerOptions,
): Server {
  const offers = new Offers();
  const rounds = new Rounds();
  const connect = server.connect.bind(server) as (transport: unknown) => Promise<void>;
  server.connect = ((transport: Transport) => {
    const connection = new Connection(options, offers, rounds);
    intercept(transport, connection);
    return connect(transport);
  }) as Server["connect"];
  return server;
}

class Connection {
  readonly #options: McpServerOptions;
  readonly #offers: Offers;
  readonly #rounds: Rounds;
  readonly #audit: McpAudit;
  readonly #calls = new Map<McpId, McpCall>();
  /** List calls under way, by id. */
  readonly #lists = new Map<McpId, string>();

  constructor(options: McpServerOptions, offers: Offers, rounds: Rounds) {
    const { rules } = coreOf(options.recorder);
    this.#options = options;
    this.#offers = offers;
    this.#rounds = rounds;
    this.#audit = { enabled: true, arguments: rules.mode, lists: options.lists ?? false };
  }

  /** A message for the server. Resolves with what is answered instead, or null: it may go on. */
  received(message: unknown, extra: unknown): unknown | Promise<unknown> {
    const read = readMcp(Buffer.from(JSON.stringify(message)));
    // What is no message the SDK refuses itself.
    if (isMcpRefusal(read)) return null;
    const [one] = read.messages;
    if (one?.is === "notification" && one.cancels !== null)
      this.#calls.get(one.cancels)?.fail("client_disconnected", "cancelled");
    if (one?.is !== "request") return null;
    const call = this.#begin(one, extra);
    if (call === null) return null;
    const { rulings = UNRULED, name: server } = this.#options;
    const denied = denial(call, one, { rulings, server, profile: null, key: null, caller: "library" });
    if (denied !== null) return this.#refusal(call, "policy_denied", denied.reason);
    if (!call.strict) return null;
    return call
      .announce(STRICT_DEADLINE_MS)
      .then((isRecorded) => (isRecorded ? null : this.#refusal(call, "audit_unavailable", null)));
  }

  /** A message of the server's. Strict: rejects when the outcome of a call was not recorded in time. */
  sent(message: unknown): void | Promise<void> {
    if (!isObject(message) || "method" in message) return;
    const id = idOf(message.id);
    if (id === null) return;
    const { result, error } = message;
    const method = this.#lists.get(id);
    if (method !== undefined && this.#lists.delete(id)) this.#offers.learn(method, JSON.stringify(message));
    const call = this.#calls.get(id);
    if (call === undefined || call.isOver) return;
    const envelope = envelopeOf(id, result, error);
    if (envelope.state !== null) this.#rounds.remember(envelope.state, call.eventId);
    call.answered(envelope, null, { responseSize: Buffer.byteLength(JSON.stringify(message)) });
    if (!call.strict) return;
    return call.settled(STRICT_DEADLINE_MS).then((how) => {
      if (how !== "durable") throw new Error("The outcome of an MCP call was not recorded in time.");
    });
  }

  closed(): void {
    for (const call of this.#calls.values()) call.finish(failed("client_disconnected"));
  }

  #begin(message: McpRequest, extra: unknown): McpCall | null {
    const { recorder, name, about } = this.#options;
    const { id, method, spec, trace, bytes } = message;
    if (Offers.lists(method)) this.#lists.set(id, method);
    if (spec.action === null || (spec.lists && !this.#audit.lists)) return null;
    const { core, caller, rules } = coreOf(recorder);
    const context = { audit: this.#audit, rounds: this.#rounds };
    const call = new McpCall(message, true, () =>
      core.begin({
        ...(about === undefined ? {} : factsOf(about(extra), "mcp", rules)),
        ...callFacts(message, this.#offers, context),
        kind: "mcp",
        action: spec.action ?? "request",
        caller,
        provider: name,
        requestId: newRequestId(),
        traceId: trace ?? newTraceId(),
        requestSize: bytes,
      }),
    );
    this.#calls.set(id, call);
    call.onOver(() => this.#calls.delete(id));
    return call;
  }

  #refusal(call: McpCall, code: "policy_denied" | "audit_unavailable", message: string | null): unknown {
    const said = { code, requestId: call.requestId, ...(message === null ? {} : { message }) };
    call.fail(code);
    return JSON.parse(mcpErrorBody(call.id, said));
  }
}

function envelopeOf(id: McpId, result: unknown, error: unknown): Envelope {
  const { isError, resultType, requestState } = isObject(result) ? result : {};
  const code = isObject(error) ? error.code : null;
  return {
    id,
    is: error === undefined ? "result" : "error",
    errorCode: typeof code === "number" ? code : null,
    toolFailed: isError === true,
    resultType: typeof resultType === "string" ? resultType : null,
    state: typeof requestState === "string" ? requestState : null,
  };
}
