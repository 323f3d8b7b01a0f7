// What is asked before anything goes upstream, and settled when the request is over: limits, quotas, credit. The
// gateway only asks; the rules live elsewhere and are handed in. Synchronous, from memory, no I/O.
import type { Facts } from "../event/fields.ts";
import type { Price } from "../event/price.ts";
import type { Usage } from "../protocols/usage.ts";

export interface Admission {
  admit(ask: Ask): Admitted | NotAdmitted;
}

export interface Ask {
  /** Of the request's event: what is settled can be found again in the trail. */
  readonly eventId: string;
  readonly keyId: string;
  readonly userId: string | null;
  readonly model: string;
  readonly action: string;
  readonly routeId: string | null;
  readonly price: Price | null;
  /** Of the body. */
  readonly requestBytes: number;
  readonly maxTokens: number | null;
}

export interface NotAdmitted {
  readonly ok: false;
  readonly code: "limit_exceeded" | "quota_exceeded" | "insufficient_credit" | "forbidden";
  /** A sentence of Daybook's own. */
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly errorType: string | null;
  /** For the event of the refused request. */
  readonly facts: Facts;
}

export interface Admitted {
  readonly ok: true;
  /** For the answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Once, when the outcome is fixed, whatever it is; idempotent. Answers what to note on the event. */
  settle(end: Settlement): Facts;
}

export interface Settlement {
  /** Null: nothing is known, or nothing was produced. */
  readonly usage: Usage | null;
  /** An answer, or what a client took of one before it left. A failed call is not charged. */
  readonly charged: boolean;
}
