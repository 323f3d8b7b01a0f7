// What the API is given to work with. The recorder is named by what the API needs of it, so that it does not depend
// on it.
import type { IncomingMessage } from "node:http";
import type { Actor } from "../control/change.ts";
import type { ControlParts } from "../control/parts.ts";
import type { Schedule } from "../control/schedules.ts";
import type { Facts, Kind, Mode } from "../event/fields.ts";
import type { Outcome } from "../event/outcomes.ts";
import type { Balance } from "../limits/ledger.ts";
import type { Limits, SubjectType, Uses } from "../limits/limits.ts";
import type { Exporter } from "../read/export/exporter.ts";
import type { Feed } from "../read/feed.ts";
import type { Reader } from "../read/reader.ts";
import type { Position } from "../stores/store.ts";
import type { Holder } from "./authorize.ts";
import type { Evidence } from "./evidence.ts";
import type { Jobs } from "./jobs.ts";
import type { McpAtWork } from "./mcp-at-work.ts";
import type { Upstreams } from "./upstreams.ts";

/** A begun event, to be finished exactly once. */
export interface OpenEvent {
  readonly eventId: string;
  readonly mode: Mode;
  note(facts: Facts): void;
  finish(outcome: Outcome): void;
  /** After finish(): `durable`, or what became of the event within `deadlineMs`. */
  settled(deadlineMs: number): Promise<"durable" | "replaced" | "late">;
}

/** What is ready and what is not, by part; `remedy` says what to do. */
export interface Readiness {
  readonly ok: boolean;
  readonly checks: Readonly<
    Record<string, { readonly ok: boolean; readonly detail: string; readonly remedy?: string }>
  >;
}

/** A page for people whose browser asked for an address that nothing is at. */
export interface MissingPage {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ApiParts extends ControlParts {
  /** Of this Daybook. */
  readonly version: string;
  readonly reader: Reader;
  readonly evidence: Evidence;
  readonly feed: Pick<Feed, "subscribe" | "wake">;
  /** The providers at work. */
  readonly upstreams: Upstreams;
  /** The MCP servers at work. */
  readonly mcp: McpAtWork;
  /** Reads the configuration again, and puts in force what can be. Rejects with what is wrong with it. */
  reload(actor: Actor): Promise<{
    readonly changed: readonly string[];
    readonly needsRestart: readonly string[];
  }>;
  readonly recorder: { begin(facts: Facts & { kind: Kind; action: string }): OpenEvent };
  readonly jobs: Jobs;
  readonly exporter: Pick<Exporter, "start">;
  /** Starts a run; answers with its job, or null while another runs. */
  runSchedule(schedule: Schedule): Promise<string | null>;
  /** Where exports may be delivered to; `check` throws `unknown_entity`. */
  readonly targets: { readonly names: readonly string[]; check(name: string): void };
  /** Takes in events of other processes. Bytes are handed over; what resolves is durable. Only `payer` is charged. */
  readonly ingest: {
    append(
      bytes: Uint8Array<ArrayBuffer>,
      payer: string | null,
    ): Promise<{
      readonly result: "appended" | "conflict";
      readonly at: Position | null;
    }>;
    seal(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
    nodes(): Promise<readonly (Position & { readonly sealedSize: number })[]>;
  };
  /** null: there is none for this address. */
  missingPage?(url: string): Promise<MissingPage | null>;
  /** What a user has left, running requests included. */
  balance(userId: string): Promise<Balance>;
  /** The limits that hold for a key or user now, and what of them is used. */
  standing(type: SubjectType, id: string): Promise<{ readonly limits: Limits; readonly used: Uses }>;
  /** How long events are kept, and how they are recorded, as the configuration in force says. */
  readonly kept: {
    readonly retentionDays: Readonly<Record<Kind, number>>;
    readonly modes: Readonly<Record<Kind, Mode>>;
    readonly maxMb: number;
  };
  /** Counts refusals of requests that nobody is known to have made, where one source has many; else false. */
  readonly refusals: {
    count(facts: Facts & { kind: Kind; action: string }, outcome: Outcome): boolean;
  };
  /** Prometheus text format, version 0.0.4. */
  metricsText(): Promise<string>;
  ready(): Promise<Readiness>;
  /** UTC milliseconds. */
  now(): number;
  /** The client's address by the trusted-proxy rule. */
  clientIp(request: IncomingMessage): string;
  /** Whether the client's connection is encrypted, by the trusted-proxy rule. */
  isSecure(request: IncomingMessage): boolean;
  /** Whether only this machine reaches `address`. */
  isLoopback(address: string): boolean;
  /** Who asks, whatever is presented: the command line, on the data folder itself. */
  readonly trusted?: Holder;
  /** Told of every failure that clients only see as `internal_error` or `infrastructure_error`. */
  readonly report?: (error: unknown, requestId: string) => void;
}
