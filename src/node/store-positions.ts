// How far a store is, asked once.
import { openStore } from "../stores/open-store.ts";
import type { Position } from "../stores/store.ts";

/** Of every node that the store knows; rejects when it is not there or cannot be asked. */
export async function storePositions(address: string): Promise<Position[]> {
  const store = await openStore(address, "read");
  try {
    return await store.positions();
  } finally {
    await store.close();
  }
}
