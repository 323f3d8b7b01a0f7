// Legal holds: filters whose events neither retention nor erasure may touch. A released hold stays in the list.
import type { Selectable } from "kysely";
import { DaybookError } from "../event/errors.ts";
import type { Actor, Values } from "./change.ts";
import type { Control, Reads } from "./control.ts";
import type { EvidenceTables } from "./evidence-tables.ts";
import { line, newId } from "./given.ts";
import { type Page, pageOf } from "./pages.ts";

export interface Hold {
  readonly id: string;
  /** The filter as the parameters of a URL, times absolute; null: see EvidenceTables. */
  readonly filter: string | null;
  readonly reason: string | null;
  /** UTC ms. */
  readonly createdAt: number;
  readonly releasedAt: number | null;
  readonly releaseReason: string | null;
}

type Row = Selectable<EvidenceTables["holds"]>;

const ENTITY = "hold";

export class Holds {
  readonly #control: Control;
  #active = new Map<string, Hold>();
  readonly #followers = new Set<() => void>();

  constructor(control: Control) {
    this.#control = control;
    control.onChanged(ENTITY, async (reads) => {
      const rows = await reads.selectFrom("holds").selectAll().where("released_at", "is", null).execute();
      return () => {
        this.#active = new Map(rows.map((row) => [row.id, holdOf(row)]));
        for (const follower of this.#followers) follower();
      };
    });
  }

  /** From memory: holds that are in force. */
  get active(): readonly Hold[] {
    return [...this.#active.values()];
  }

  /** Told when holds begin or end, here or by another process. Returns the way out. */
  follow(follower: () => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** `filter`: parameters of a URL that mean the same at any time. */
  async add(actor: Actor, filter: URLSearchParams, reason: string | null): Promise<Hold> {
    const row: Row = {
      id: newId("hld"),
      filter: filter.toString(),
      reason: reason === null ? null : line("justification", reason, 500),
      created_at: this.#control.clock(),
      released_at: null,
      release_reason: null,
    };
    await this.#control.change(
      actor,
      { action: "hold_added", entityType: ENTITY, justification: reason },
      async (change) => {
        await change.insertInto("holds").values(row).execute();
        return { entityId: row.id, oldValues: null, newValues: valuesOf(filter) };
      },
    );
    return holdOf(row);
  }

  /** Throws `unknown_entity`, and `conflict` when it is released already. */
  async release(actor: Actor, id: string, reason: string): Promise<Hold> {
    const released_at = this.#control.clock();
    await this.#control.change(
      actor,
      { action: "hold_released", entityType: ENTITY, justification: reason },
      async (change) => {
        const row = await rowOf(change, id);
        if (row.released_at !== null) throw new DaybookError("conflict", "The hold is released already.");
        const release_reason = line("justification", reason, 500);
        await change.updateTable("holds").set({ released_at, release_reason }).where("id", "=", id).execute();
        const filter = new URLSearchParams(row.filter ?? "");
        return { entityId: id, oldValues: valuesOf(filter), newValues: { released_at } };
      },
    );
    return this.get(id);
  }

  /** Throws `unknown_entity`. */
  async get(id: string): Promise<Hold> {
    return holdOf(await rowOf(this.#control.reads, id));
  }

  async list(page: Page): Promise<Hold[]> {
    return (await pageOf(this.#control.reads, "holds", page)).map(holdOf);
  }
}

async function rowOf(reads: Reads, id: string): Promise<Row> {
  const row = await reads.selectFrom("holds").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new DaybookError("unknown_entity", "such hold");
  return row;
}

/** Each parameter with its values: an erasure finds whom they name. */
function valuesOf(filter: URLSearchParams): Values {
  return Object.fromEntries([...new Set(filter.keys())].map((name) => [name, filter.getAll(name)]));
}

function holdOf({ id, filter, reason, created_at, released_at, release_reason }: Row): Hold {
  return {
    id,
    filter,
    reason,
    createdAt: created_at,
    releasedAt: released_at,
    releaseReason: release_reason,
  };
}
