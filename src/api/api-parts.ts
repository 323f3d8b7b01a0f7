// What the API is given to work with. The recorder and control are named by what the API needs of them, so that
// it depends on neither.
import type { IncomingMessage } from "node:http";
import type { Facts, Kind } from "../event/fields.ts";
import type { Outcome } from "../event/outcomes.ts";
import type { Reader } from "../read/reader.ts";

/** A begun event, to be finished exactly once. */
export interface OpenEvent {
  readonly eventId: string;
  note(facts: Facts): void;
  finish(outcome: Outcome): void;
}

/** Who presented a token. `role`: `viewer`, `auditor` or `admin`. */
export interface TokenHolder {
  readonly id: string;
  readonly name: string;
  readonly role: string;
}

export type Authentication =
  | { readonly ok: true; readonly token: TokenHolder }
  | { readonly ok: false; readonly reason: string };

/** What is ready and what is not, by part; `remedy` says what to do. */
export interface Readiness {
  readonly ok: boolean;
  readonly checks: Readonly<
    Record<string, { readonly ok: boolean; readonly detail: string; readonly remedy?: string }>
  >;
}

export interface ApiParts {
  readonly reader: Reader;
  readonly control: { authenticateToken(presented: string): Authentication };
  readonly recorder: { begin(facts: Facts & { kind: Kind; action: string }): OpenEvent };
  /** Prometheus text format, version 0.0.4. */
  metricsText(): Promise<string>;
  ready(): Promise<Readiness>;
  /** UTC milliseconds. */
  now(): number;
  /** The client's address by the trusted-proxy rule. */
  clientIp(request: IncomingMessage): string;
  /** Whether only this machine reaches `address`. */
  isLoopback(address: string): boolean;
  /** Told of every failure that clients only see as `internal_error` or `infrastructure_error`. */
  readonly report?: (error: unknown, requestId: string) => void;
}
