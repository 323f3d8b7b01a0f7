// A client and a server of MCP's stdio transport, with Daybook between their pipes: every line passes as it came, each
// call has its event, and what a policy forbids is answered here and never reaches the server. Both eras have the same
// transport; ids are unique in it.
//
// Strict mode: a call goes to the server when its begin is durable, its answer to the client when its outcome is.
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { DaybookError } from "../../event/errors.ts";
import type { Facts } from "../../event/fields.ts";
import { newRequestId, newTraceId } from "../../event/ids.ts";
import { FAILURES } from "../../event/outcomes.ts";
import { BatchAnswer, batchOf } from "../../protocols/mcp-batch.ts";
import { type Envelope, EnvelopeReader } from "../../protocols/mcp-envelopes.ts";
import { type McpError, mcpErrorBody } from "../../protocols/mcp-errors.ts";
import {
  isMcpRefusal,
  type McpBody,
  type McpId,
  type McpMessage,
  type McpRequest,
  readMcpInTurns,
} from "../../protocols/mcp-messages.ts";
import type { Recorder } from "../../recorder/recorder.ts";
import { STRICT_DEADLINE_MS } from "../exchange.ts";
import type { OwnFailure } from "../own-answer.ts";
import type { Rulings } from "../rulings.ts";
import { McpCall } from "./call.ts";
import { CallBook } from "./call-book.ts";
import { callFacts, denial, type McpAudit } from "./judging.ts";
import { LineReader } from "./lines.ts";
import { Offers } from "./offers.ts";
import { PartedBatches } from "./parted-batches.ts";
import { Rounds } from "./rounds.ts";

export interface StdioSessionOptions {
  /** Name of the server in the trail. */
  readonly server: string;
  readonly recorder: Recorder;
  readonly rulings: Rulings;
  readonly profile: string | null;
  readonly audit: McpAudit;
  /** Largest message of the client. */
  readonly maxBytes: number;
  /** Of every event: whose they are. */
  readonly facts: Facts;
  readonly client: { readonly from: Readable; readonly to: Writable };
  readonly child: { readonly from: Readable; readonly to: Writable };
}

/** A request of the client's; `call`: null where it leaves no event. */
interface Asked {
  readonly message: McpRequest;
  readonly call: McpCall | null;
}

const NOTHING = Buffer.alloc(0);
const LF = 0x0a;
const CR = 0x0d;
/** All calls of a process are one session's. */
const SCOPE = "stdio";
/** A list that is longer is not learnt from. */
const MAX_LIST_BYTES = 8 * 1024 * 1024;

export class StdioSession {
  readonly #options: StdioSessionOptions;
  readonly #book = new CallBook();
  readonly #offers = new Offers();
  readonly #rounds = new Rounds();
  readonly #open = new Set<McpCall>();
  readonly #lists = new Map<McpId, string>();
  readonly #parted = new PartedBatches();
  /** Answers of ours that wait for the end of a line of the server's. */
  #own: Buffer[] = [];
  #inLine = false;
  /** Bytes of the server's line at hand. */
  #lineBytes = 0;

  constructor(options: StdioSessionOptions) {
    this.#options = options;
  }

  /** Passes what the client says; resolves when it has said all, and the server was told so. */
  async fromClient(): Promise<void> {
    const { client, child, maxBytes } = this.#options;
    const lines = new LineReader(maxBytes);
    for await (const chunk of client.from as AsyncIterable<Buffer>) {
      for (const { bytes, tooLong } of lines.feed(chunk)) {
        if (tooLong)
          this.#refuse(null, "payload_too_large", { message: `A message is larger than ${maxBytes} bytes.` });
        else await put(child.to, await this.#let(bytes));
      }
    }
    const rest = lines.rest();
    if (rest !== null && !rest.tooLong) await put(child.to, await this.#let(rest.bytes));
    child.to.end();
  }

  /** Passes what the server says; resolves when it has said all. Rejects with `audit_unavailable`, in strict mode. */
  async fromServer(): Promise<void> {
    const { client, child } = this.#options;
    let reader = new EnvelopeReader();
    let list: Buffer[] = [];
    let batch: BatchAnswer | null = null;
    let answered: (McpId | null)[] = [];
    for await (const chunk of child.from as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; ) {
        const lf = chunk.indexOf(LF, at);
        const part = chunk.subarray(at, lf === -1 ? chunk.length : lf + 1);
        at += part.length;
        this.#lineBytes += part.length;
        if (this.#lists.size > 0 && this.#lineBytes <= MAX_LIST_BYTES) list.push(part);
        const envelopes = reader.feed(part);
        for (const envelope of envelopes) this.#learn(envelope, list);
        await this.#recorded(envelopes.flatMap((envelope) => this.#settle(envelope)));
        if (!this.#inLine && !this.#parted.isEmpty) batch = new BatchAnswer("leave");
        if (batch !== null) answered.push(...envelopes.map(({ id }) => id));
        this.#inLine = lf === -1;
        const passed = batch?.feed(part) ?? part;
        await put(client.to, batch === null || this.#inLine ? passed : this.#whole(batch, passed, answered));
        if (this.#inLine) continue;
        batch = null;
        answered = [];
        reader = new EnvelopeReader();
        list = [];
        this.#lineBytes = 0;
        await this.#giveOwn();
      }
    }
    this.#inLine = false;
    this.#sayAll(this.#parted.takeAll());
    await this.#giveOwn();
  }

  /** The server has ended: what it has not answered it never will. */
  end(): void {
    for (const call of this.#open) call.fail("stream_interrupted", "server_ended");
    this.#book.close();
  }

  /** What of the line goes on to the server; what does not is answered. */
  async #let(line: Buffer): Promise<Buffer> {
    if (line.every((byte) => byte <= 0x20)) return line;
    if (hasLoneCr(line)) {
      this.#refuse(null, "invalid_request", { message: "A message stands on one line.", rpcCode: -32_600 });
      return NOTHING;
    }
    const read = await readMcpInTurns(line, turn);
    if (isMcpRefusal(read)) {
      const { code: rpcCode, message, id } = read;
      this.#refuse(id, "invalid_request", { message, rpcCode });
      return NOTHING;
    }
    const asked: Asked[] = [];
    for (const message of read.messages) {
      if (message.is === "request") asked.push({ message, call: this.#begin(message) });
      else this.#callOff(message);
    }
    const denied = this.#denied(asked);
    const recorded = await Promise.all(asked.map(({ call }) => call?.isRecorded(STRICT_DEADLINE_MS)));
    if (recorded.includes(false)) {
      this.#unrecorded(asked, read.batch);
      return NOTHING;
    }
    if (denied.size === 0) return line;
    return this.#part(read, denied);
  }

  /** Answers what was denied; what else is in the batch goes on. */
  #part({ batch, messages, texts }: McpBody, denied: ReadonlyMap<McpMessage, string>): Buffer {
    const answers = [...denied.values()];
    if (!batch) {
      for (const answer of answers) this.#say(answer);
      return NOTHING;
    }
    const kept = messages.filter((message) => !denied.has(message));
    const ids = kept.flatMap((message) => (message.is === "request" ? [message.id] : []));
    if (ids.length === 0) this.#sayAll(answers);
    else this.#parted.add(ids, answers);
    if (kept.length === 0) return NOTHING;
    const text = batchOf(texts.filter((_, index) => !denied.has(messages[index] as McpMessage)));
    return Buffer.concat([text, Buffer.of(LF)]);
  }

  /** The end of a line of the server's, which may answer a batch that was answered here in part. */
  #whole(batch: BatchAnswer, passed: Buffer, answered: readonly (McpId | null)[]): Buffer {
    const ours = this.#parted.take(answered);
    const rest = batch.end(ours);
    if (rest !== null) return Buffer.concat([passed, rest, Buffer.of(LF)]);
    return ours.length === 0 ? passed : Buffer.concat([passed, Buffer.from(`[${ours.join(",")}]\n`)]);
  }

  #begin(message: McpRequest): McpCall | null {
    const { audit, recorder, server, facts } = this.#options;
    const { id, method, spec, trace, bytes } = message;
    if (Offers.lists(method)) this.#lists.set(id, method);
    if (spec.action === null || (spec.lists && !audit.lists)) return null;
    const context = { audit, rounds: this.#rounds };
    const call = new McpCall(message, audit.enabled, () =>
      recorder.begin({
        ...facts,
        ...callFacts(message, this.#offers, context),
        kind: "mcp",
        action: spec.action ?? "request",
        caller: "stdio",
        provider: server,
        requestId: newRequestId(),
        traceId: trace ?? newTraceId(),
        requestSize: bytes,
      }),
    );
    this.#open.add(call);
    this.#book.add(SCOPE, call);
    call.onOver(() => this.#open.delete(call));
    return call;
  }

  #callOff(message: Exclude<McpMessage, McpRequest>): void {
    const id = message.is === "notification" ? message.cancels : null;
    if (id === null) return;
    this.#book.find(SCOPE, id)?.fail("client_disconnected", "cancelled");
    // Who called it off is not answered: what waited for that waits no more.
    this.#sayAll(this.#parted.take([id]));
  }

  /** Those of these that a policy denies, which are over, and what answers them. */
  #denied(asked: readonly Asked[]): Map<McpMessage, string> {
    const { server, rulings, profile } = this.#options;
    const context = { server, rulings, profile, key: null, caller: "stdio", spent: { units: 0 } };
    const denied = new Map<McpMessage, string>();
    for (const { message, call } of asked) {
      const why = call === null ? null : denial(call, message, context);
      if (call === null || why === null) continue;
      const said = why.reason === null ? {} : { message: why.reason };
      denied.set(message, errorOf(message.id, "policy_denied", said, call.requestId));
      call.fail("policy_denied");
    }
    return denied;
  }

  #settle(envelope: Envelope): McpCall[] {
    const { is, id, state } = envelope;
    if (id === null || (is !== "result" && is !== "error")) return [];
    const call = this.#book.find(SCOPE, id);
    if (call === null || call.isOver) return [];
    if (state !== null) this.#rounds.remember(state, call.eventId);
    call.answered(envelope, null, { responseSize: this.#lineBytes });
    return [call];
  }

  /** Strict: resolves when the outcomes are durable. Throws `audit_unavailable`: the answer may not be given. */
  async #recorded(calls: readonly McpCall[]): Promise<void> {
    for (const call of calls) {
      if (!call.strict || (await call.settled(STRICT_DEADLINE_MS)) === "durable") continue;
      throw new DaybookError("audit_unavailable", "the outcome of a call was not recorded in time");
    }
  }

  #learn({ id, is }: Envelope, list: readonly Buffer[]): void {
    const method = id === null || is !== "result" ? undefined : this.#lists.get(id);
    if (id === null || method === undefined) return;
    this.#lists.delete(id);
    this.#offers.learn(method, Buffer.concat(list).toString("utf8"));
  }

  /** Refuses what is no call that is known: it has an event of its own. */
  #refuse(id: McpId | null, code: OwnFailure, said: Pick<McpError, "message" | "rpcCode">): void {
    const { recorder, server, facts } = this.#options;
    const about = { ...facts, caller: "stdio", provider: server, requestId: newRequestId() } as const;
    const call = new McpCall(null, true, () =>
      recorder.begin({ ...about, traceId: newTraceId(), kind: "mcp", action: "request" }),
    );
    this.#say(errorOf(id, code, said, call.requestId));
    call.fail(code);
  }

  /** Strict: none of these goes on, those too that leave no event. */
  #unrecorded(asked: readonly Asked[], batch: boolean): void {
    const requestId = asked.find(({ call }) => call !== null)?.call?.requestId ?? newRequestId();
    const answers: string[] = [];
    for (const { message, call } of asked) {
      answers.push(errorOf(message.id, "audit_unavailable", {}, call?.requestId ?? requestId));
      call?.fail("audit_unavailable");
      this.#lists.delete(message.id);
    }
    if (batch) this.#sayAll(answers);
    else for (const answer of answers) this.#say(answer);
  }

  /** As one answer to a batch. */
  #sayAll(answers: readonly string[]): void {
    if (answers.length > 0) this.#say(`[${answers.join(",")}]`);
  }

  #say(answer: string): void {
    this.#own.push(Buffer.from(`${answer}\n`));
    if (!this.#inLine) void this.#giveOwn();
  }

  async #giveOwn(): Promise<void> {
    const own = this.#own;
    this.#own = [];
    for (const bytes of own) await put(this.#options.client.to, bytes);
  }
}

function errorOf(
  id: McpId | null,
  code: OwnFailure,
  { message = FAILURES[code].message, rpcCode }: Pick<McpError, "message" | "rpcCode">,
  requestId: string,
): string {
  return mcpErrorBody(id, { code, message, requestId, ...(rpcCode === undefined ? {} : { rpcCode }) });
}

/** For many readers CR alone ends a line: they would read other messages than were judged here. */
function hasLoneCr(line: Buffer): boolean {
  for (let at = line.indexOf(CR); at !== -1; at = line.indexOf(CR, at + 1))
    if (line[at + 1] !== LF) return true;
  return false;
}

/** Writes, and waits while nobody reads; a pipe that is gone takes everything. */
async function put(to: Writable, bytes: Buffer): Promise<void> {
  if (to.destroyed || to.writableEnded || to.write(bytes)) return;
  await Promise.race([once(to, "drain"), once(to, "close")]).catch(() => {});
}
