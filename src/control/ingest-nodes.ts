// Whose log is whose, among those that other processes hand in. A node belongs to the key that handed in its first
// events, or to that key's user: another key of the same user goes on with it, and nobody else's does.
import { DaybookError } from "../event/errors.ts";
import type { Actor } from "./change.ts";
import type { Control } from "./control.ts";

export interface IngestTables {
  /** `owner`: a user's id, or that of a token that has no user. */
  ingest_nodes: { readonly node_id: string; readonly owner: string; readonly created_at: number };
}

export const INGEST_MIGRATION = `
  CREATE TABLE ingest_nodes (
    node_id TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL, created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;`;

const ENTITY = "ingest_node";

export class IngestNodes {
  readonly #control: Control;
  /** Node → owner. */
  readonly #owners = new Map<string, string>();

  constructor(control: Control) {
    this.#control = control;
    control.onChanged(ENTITY, async (reads, id) => {
      const all = reads.selectFrom("ingest_nodes").select(["node_id", "owner"]);
      const rows = await (id === null ? all : all.where("node_id", "=", id)).execute();
      return () => {
        for (const { node_id, owner } of rows) this.#owners.set(node_id, owner);
      };
    });
  }

  /** null: nobody has handed in anything of it. */
  ownerOf(nodeId: string): string | null {
    return this.#owners.get(nodeId) ?? null;
  }

  /** Makes it `owner`'s, for good. Throws `conflict` when it is somebody else's by now. */
  async claim(actor: Actor, nodeId: string, owner: string): Promise<void> {
    await this.#control.change(actor, { action: "ingest_node_added", entityType: ENTITY }, async (change) => {
      const known = await change
        .selectFrom("ingest_nodes")
        .select("owner")
        .where("node_id", "=", nodeId)
        .executeTakeFirst();
      if (known?.owner === owner) return null;
      if (known !== undefined) throw new DaybookError("conflict", "This node is another key's.");
      const created_at = this.#control.clock();
      await change.insertInto("ingest_nodes").values({ node_id: nodeId, owner, created_at }).execute();
      return { entityId: nodeId, oldValues: null, newValues: { owner } };
    });
  }
}
