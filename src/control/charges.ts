// The copy of what users were charged: sums by node and user, and how far each node's go. It is not a change, and
// leaves no entry: what it says follows from events.
import type { Charges } from "../event/charges.ts";
import type { Control } from "./control.ts";

export class ChargesCopy {
  readonly #control: Control;

  constructor(control: Control) {
    this.#control = control;
  }

  read(): Promise<Charges> {
    return this.#control.upkeep(async (tables) => {
      const charged = await tables.selectFrom("charged").selectAll().execute();
      const sums = await tables.selectFrom("charges").selectAll().execute();
      return {
        upTo: Object.fromEntries(charged.map(({ node_id, seq }) => [node_id, seq])),
        sums: sums.map(({ node_id, user_id, cost_micros }) => ({
          nodeId: node_id,
          userId: user_id,
          costMicros: cost_micros,
        })),
      };
    });
  }

  /**
   * Replaces the sums that are given, and says how far they go; what is not given is as it was before. A node whose copy
   * goes further keeps it: each process copies its own node's sums and, as far as the store has them, those of others.
   */
  keep({ upTo, sums }: Charges): Promise<void> {
    return this.#control.upkeep(async (tables) => {
      const charged = await tables.selectFrom("charged").selectAll().execute();
      const further = new Set(
        charged.filter(({ node_id, seq }) => seq > (upTo[node_id] ?? seq)).map(({ node_id }) => node_id),
      );
      for (const { nodeId: node_id, userId: user_id, costMicros: cost_micros } of sums) {
        if (further.has(node_id)) continue;
        await tables
          .insertInto("charges")
          .values({ node_id, user_id, cost_micros })
          .onConflict((conflict) => conflict.columns(["node_id", "user_id"]).doUpdateSet({ cost_micros }))
          .execute();
      }
      for (const [node_id, seq] of Object.entries(upTo)) {
        if (further.has(node_id)) continue;
        await tables
          .insertInto("charged")
          .values({ node_id, seq })
          .onConflict((conflict) => conflict.column("node_id").doUpdateSet({ seq }))
          .execute();
      }
    });
  }
}
