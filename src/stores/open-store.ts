// The only door to the drivers: each is loaded when its address asks for it.
import { DaybookError } from "../event/errors.ts";
import type { Store } from "./store.ts";

/** A store's address: `sqlite:/path/to/events.db`. `read` opens nothing for writing and creates nothing. */
export async function openStore(address: string, access: "write" | "read"): Promise<Store> {
  const [scheme, rest] = [address.slice(0, address.indexOf(":")), address.slice(address.indexOf(":") + 1)];
  if (scheme === "sqlite" && rest !== "") {
    const { openSqliteStore } = await import("./sqlite/open-sqlite-store.ts");
    return openSqliteStore(rest, access);
  }
  throw new DaybookError("store_unusable", `"${address}": it is not sqlite:PATH`);
}
