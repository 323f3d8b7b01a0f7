// Random but valid events, as a journal hands them to a store. Everything about an event follows from its seed,
// node and seq, however the batches are cut.
import { hash } from "node:crypto";
import { encodeRow } from "../../src/event/encode.ts";
import {
  type Cell,
  COLUMN,
  type Facts,
  type FieldName,
  type Row,
  SCHEMA_VERSION,
} from "../../src/event/fields.ts";
import { type JournalEvent, leafText } from "../../src/event/leaf.ts";
import { answered, failed, failedAsSent, type Outcome } from "../../src/event/outcomes.ts";
import { Frontier, leafHash } from "../../src/evidence/merkle.ts";
import type { Batch, Position } from "../../src/stores/store.ts";

/** 2026-01-01T00:00:00Z: recorded_at of the events before the third. */
export const START_MS = Date.UTC(2026, 0, 1);

export type Cells = { readonly [name in FieldName]?: Cell };

export interface EventOptions {
  readonly nodeId: string;
  readonly count: number;
  /** 1 unless given. */
  readonly firstSeq?: number;
  readonly seed?: number;
  /** Cells in place of the random ones, by seq; nothing checks that they fit. */
  readonly cells?: (seq: number) => Cells;
}

/** Events of one node in order of seq. Three in a row share their recorded_at; none is of kind `system`. */
export function makeEvents({ nodeId, count, firstSeq = 1, seed = 0, cells }: EventOptions): JournalEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const seq = firstSeq + index;
    const event = makeEvent(nodeId, seq, seed);
    for (const [name, cell] of Object.entries(cells?.(seq) ?? {}))
      event.row[COLUMN[name as FieldName]] = cell;
    return event;
  });
}

/** A node's journal as its shipper sees it: batches that follow one another, with the roots of its Merkle log. */
export class NodeLog {
  readonly nodeId: string;
  /** All events so far. */
  readonly events: JournalEvent[] = [];
  /** Position after them; null before the first batch. */
  at: Position | null = null;
  readonly #seed: number;
  readonly #frontier = new Frontier();

  constructor(nodeId: string, seed = 0) {
    this.nodeId = nodeId;
    this.#seed = seed;
  }

  next(count: number, cells?: (seq: number) => Cells): Batch {
    const { nodeId, at: from } = this;
    const options = { nodeId, count, firstSeq: this.events.length + 1, seed: this.#seed };
    const events = makeEvents(cells === undefined ? options : { ...options, cells });
    for (const { row, p1Salt, p2Salt } of events)
      this.#frontier.append(leafHash(leafText(row, p1Salt, p2Salt)));
    this.events.push(...events);
    const to = { nodeId, seq: this.events.length, root: this.#frontier.root() };
    this.at = to;
    return { nodeId, events, from, to };
  }
}

function makeEvent(nodeId: string, seq: number, seed: number): JournalEvent {
  const bytes = hash("sha256", `${seed} ${nodeId} ${seq}`, "buffer");
  const random = generator(bytes.readUInt32BE());
  const recordedAt = START_MS + Math.floor(seq / 3);
  const misfits = { count: 0 };
  const row = encodeRow(factsOf(random, recordedAt, bytes.toString("hex")), outcomeOf(random), misfits);
  if (misfits.count > 0) throw new Error("made an event that is not valid");
  setJournalCells(row, nodeId, seq, recordedAt);
  return { row, p1Salt: Buffer.from(bytes.subarray(0, 16)), p2Salt: Buffer.from(bytes.subarray(16)) };
}

function setJournalCells(row: Row, nodeId: string, seq: number, recordedAt: number): void {
  row[COLUMN.node_id] = nodeId;
  row[COLUMN.seq] = seq;
  row[COLUMN.schema_version] = SCHEMA_VERSION;
  row[COLUMN.recorded_at] = recordedAt;
}

/** Below `limit`, a whole number. */
type Random = (limit: number) => number;

function factsOf(random: Random, now: number, hex: string): Facts {
  const pick = <T>(...values: readonly T[]): T => values[random(values.length)] as T;
  const some = <T>(value: T): T | null => (random(3) === 0 ? null : value);
  const [promptTokens, completionTokens] = [random(5000), random(2000)];
  const kind = pick("inference", "inference", "mcp", "auth", "admin", "api");
  return {
    eventId: uuidV7(now, hex),
    kind,
    action: pick("chat", "tool", "login", "route_created"),
    count: pick(1, 1, 1, 2 + random(100)),
    timestamp: now - random(2000),
    durationMs: some(random(2000)),
    ttftMs: some(random(500)),
    requestId: `req_${hex.slice(0, 32)}`,
    upstreamRequestId: some(`up-${hex.slice(0, 12)}`),
    traceId: hex.slice(32),
    parentEventId: random(5) === 0 ? uuidV7(now - 1, hex.slice(8)) : null,
    sessionId: some(`session-${random(9)}`),
    userId: some(pick("ana", "Björn", "chị Hoa", "0", "user with spaces")),
    apiKeyId: some(`key_${random(5)}`),
    clientIp: some(pick("127.0.0.1", "2001:db8::1")),
    caller: pick("http", "stdio", "library"),
    name: some(pick("read_file", "search", "gpt-4o-mini")),
    method: pick("POST", "GET", null),
    endpoint: some("/v1/chat/completions"),
    entityType: kind === "admin" ? "route" : null,
    entityId: kind === "admin" ? `route-${random(9)}` : null,
    model: some(pick("gpt-4o-mini", "claude-sonnet", "demo")),
    upstreamModel: some(pick("gpt-4o-mini", "gpt-4o-mini-2024-07-18")),
    backendType: some(pick("openai", "anthropic", "local", "__proto__")),
    provider: some("openai"),
    attempts: some([{ provider: "openai", code: 200, ms: random(2000) }]),
    streaming: pick(true, false, null),
    finishReason: some(pick("stop", "length")),
    policyDecision: pick("n/a", "allow", "warn", "deny"),
    policyReason: random(4) === 0 ? "too many tools" : null,
    promptTokens: some(promptTokens),
    completionTokens: some(completionTokens),
    totalTokens: some(promptTokens + completionTokens),
    tokensEstimated: pick(true, false, null),
    costMicros: some(random(1_000_000)),
    requestSize: random(10_000),
    responseSize: random(100_000),
    inputJson: kind === "mcp" ? { path: "[REDACTED]", depth: random(5) } : null,
    redactions: kind === "mcp" ? random(3) : null,
    truncated: kind === "mcp" ? pick(true, false) : null,
    newValues: kind === "admin" ? { name: "demo", secret: true } : null,
    justification: kind === "admin" ? some("because") : null,
    metadata: some({ team: "blue", size: random(10) }),
  };
}

function outcomeOf(random: Random): Outcome {
  const outcomes = [
    answered(),
    failed("timeout"),
    failed("interrupted"),
    failedAsSent("provider_error", 429, "overloaded"),
  ];
  return outcomes[random(outcomes.length)] as Outcome;
}

function uuidV7(ms: number, hex: string): string {
  const time = ms.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-a${hex.slice(3, 6)}-${hex.slice(6, 18)}`;
}

/** mulberry32: small, and good enough to vary test data. */
function generator(seed: number): Random {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}
