// Synthetic inference traffic as a journal hands it to a store, made fast and reproducible: models and users are chosen
// by Zipf's law, a model has its provider, a user one or two keys, and 4 % of the requests fail.
import { createHash } from "node:crypto";
import { encodeRow } from "../src/event/encode.ts";
import { COLUMN, type Facts, SCHEMA_VERSION } from "../src/event/fields.ts";
import type { JournalEvent } from "../src/event/leaf.ts";
import { answered, failed, failedAsSent, type Outcome } from "../src/event/outcomes.ts";
import type { Batch, Position } from "../src/stores/store.ts";

export const NODE_ID = "00000000000000b1";
/** 2026-01-01T00:00:00Z */
export const START_MS = Date.UTC(2026, 0, 1);

const MODELS = 40;
const USERS = 500;
const PROVIDERS = ["openai", "anthropic", "azure", "together", "local"];
const ERRORS: readonly Outcome[] = [
  failedAsSent("provider_error", 429, "rate_limit_error"),
  failedAsSent("provider_error", 500, "server_error"),
  failed("client_disconnected"),
];

export interface TrafficOptions {
  /** Between two events; with 5 million of them and 60 days about a second. */
  readonly stepMs: number;
  readonly seed?: number;
}

/** An endless log of one node; `next` gives its batches, which follow one another. */
export class Traffic {
  at: Position | null = null;
  readonly #stepMs: number;
  #state: number;
  #seq = 0;
  #now = START_MS;

  constructor({ stepMs, seed = 1 }: TrafficOptions) {
    this.#stepMs = stepMs;
    this.#state = seed;
  }

  get seq(): number {
    return this.#seq;
  }

  get now(): number {
    return Math.floor(this.#now);
  }

  next(count: number): Batch {
    const from = this.at;
    const events = Array.from({ length: count }, () => this.#event());
    const root = createHash("sha256").update(String(this.#seq)).digest("hex");
    const to = { nodeId: NODE_ID, seq: this.#seq, root };
    this.at = to;
    return { nodeId: NODE_ID, events, from, to };
  }

  #event(): JournalEvent {
    this.#seq++;
    this.#now += this.#stepMs;
    const recordedAt = this.now;
    const fails = this.#random(1000) < 40;
    const outcome = fails ? (ERRORS[this.#random(ERRORS.length)] as Outcome) : answered(200);
    const row = encodeRow(this.#facts(recordedAt, fails), outcome, { count: 0 });
    row[COLUMN.node_id] = NODE_ID;
    row[COLUMN.seq] = this.#seq;
    row[COLUMN.schema_version] = SCHEMA_VERSION;
    row[COLUMN.recorded_at] = recordedAt;
    return { row, p1Salt: this.#bytes(16), p2Salt: this.#bytes(16) };
  }

  #facts(recordedAt: number, fails: boolean): Facts {
    const user = this.#zipf(USERS);
    // Somebody uses a few models, each in one way, and now and then any other.
    const model = this.#random(50) === 0 ? this.#zipf(MODELS) : (user * 7 + this.#zipf(3) * 13) % MODELS;
    const streaming = (user + model) % 5 < 3;
    const durationMs = 200 + Math.floor(-Math.log(1 - this.#random(1e6) / 1e6) * 1500);
    const [promptTokens, completionTokens] = [50 + this.#random(3000), fails ? 0 : 10 + this.#random(900)];
    const provider = PROVIDERS[model % PROVIDERS.length] as string;
    return {
      eventId: this.#uuid(recordedAt - durationMs),
      kind: "inference",
      action: "chat",
      count: 1,
      timestamp: recordedAt - durationMs - 3,
      durationMs,
      ttftMs: streaming ? 100 + this.#random(400) : null,
      requestId: `req_${this.#uuid(recordedAt - durationMs).replaceAll("-", "")}`,
      traceId: this.#hex(16),
      userId: `user_${user.toString(16).padStart(8, "0")}`,
      apiKeyId: `key_${(user * 2 + this.#random(2)).toString(16).padStart(8, "0")}`,
      clientIp: `10.1.${user % 16}.${user >> 4}`,
      caller: "http",
      method: "POST",
      endpoint: "/v1/chat/completions",
      model: `model-${model}`,
      upstreamModel: fails ? null : `model-${model}-2026-01-01`,
      backendType: provider === "azure" ? "openai" : provider,
      provider,
      route: `model-${model}`,
      streaming,
      finishReason: fails ? null : this.#random(20) === 0 ? "length" : "stop",
      policyDecision: "n/a",
      promptTokens,
      completionTokens,
      totalTokens: promptTokens + completionTokens,
      cachedTokens: this.#random(3) === 0 ? Math.floor(promptTokens / 2) : 0,
      costMicros: promptTokens + completionTokens * 4,
      requestSize: 300 + promptTokens * 4,
      responseSize: 600 + completionTokens * (streaming ? 200 : 4),
    };
  }

  #zipf(limit: number): number {
    return Math.min(limit - 1, Math.floor(limit ** (this.#random(1e6) / 1e6)) - 1 + this.#random(2));
  }

  #uuid(ms: number): string {
    const time = ms.toString(16).padStart(12, "0");
    const more = this.#hex(10);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${more.slice(0, 3)}-a${more.slice(3, 6)}-${more.slice(6, 18)}`;
  }

  #hex(bytes: number): string {
    return Buffer.from(this.#bytes(bytes)).toString("hex");
  }

  #bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 2) {
      const value = this.#random(65536);
      bytes[at] = value & 255;
      bytes[at + 1] = value >> 8;
    }
    return bytes;
  }

  /** mulberry32 */
  #random(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit);
  }
}
