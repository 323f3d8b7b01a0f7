// Entities of control.db that requests need: in memory by their ids, in the order in which they were made, brought up
// to date after each change.
import type { Control, Reads } from "./control.ts";

export interface KeptOptions<Entity> {
  readonly entityType: string;
  /** The entity `id`, or all when that is null, as [id, entity]. */
  readonly read: (reads: Reads, id: string | null) => Promise<readonly (readonly [string, Entity])[]>;
  /** Follows every change of what is here. */
  readonly onChanged: () => void;
}

export class Kept<Entity> {
  #byId: ReadonlyMap<string, Entity> = new Map();

  constructor(control: Control, { entityType, read, onChanged }: KeptOptions<Entity>) {
    control.onChanged(entityType, async (reads, id) => {
      const found = await read(reads, id);
      return () => {
        const kept = new Map(id === null ? [] : this.#byId);
        if (id !== null && found.length === 0) kept.delete(id);
        for (const [each, entity] of found) kept.set(each, entity);
        this.#byId = kept;
        onChanged();
      };
    });
  }

  get all(): readonly Entity[] {
    return [...this.#byId.values()];
  }

  withId(id: string): Entity | null {
    return this.#byId.get(id) ?? null;
  }
}
