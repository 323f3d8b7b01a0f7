// What people call whom events know by ids, for whoever may see all events. Read once, and again after a while, since
// names come and go.
import { ask } from "#lib/api.ts";
import { session } from "#lib/session.svelte.ts";

type Named = Readonly<Record<string, Readonly<Record<string, string>>>>;

const FRESH_MS = 60_000;

class Names {
  #known = $state.raw<Named>({});
  #readAt = Number.NEGATIVE_INFINITY;

  /** The name behind the value of a field; null: there is none, or it is not known. */
  of(field: string, value: unknown): string | null {
    const byId = Object.hasOwn(this.#known, field) ? this.#known[field] : undefined;
    const id = String(value);
    return byId !== undefined && Object.hasOwn(byId, id) ? (byId[id] ?? null) : null;
  }

  /** `isOld`: what is known no longer is all. Rejects never: without names ids are shown. */
  async load({ isOld = false } = {}): Promise<void> {
    const isFresh = !isOld && performance.now() - this.#readAt < FRESH_MS;
    if (!session.may("audit:read") || isFresh) return;
    this.#readAt = performance.now();
    try {
      this.#known = (await ask<Named>("/admin/names")).data;
    } catch {
      this.#readAt = Number.NEGATIVE_INFINITY;
    }
  }
}

export const names = new Names();
