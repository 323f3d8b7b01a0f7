// What users were charged: the sums of their events' costs, by node, apart from the events.

/** What the events of one node have cost one user, in millionths of a credit. */
export interface UserCharge {
  readonly nodeId: string;
  readonly userId: string;
  readonly costMicros: number;
}

/** Sums that outlive their events: neither retention nor erasure changes them. */
export interface Charges {
  /** Node → the last seq that is in its sums. */
  readonly upTo: Readonly<Record<string, number>>;
  readonly sums: readonly UserCharge[];
}
