// The only door to the drivers: each is loaded when its address asks for it.
import { DaybookError } from "../event/errors.ts";
import type { Store } from "./store.ts";

/**
 * A store's address: `sqlite:/path/to/events.db`, or that of another Daybook, with a token of the scope `ingest`:
 * `https://ingest:TOKEN@host`. `read` opens nothing for writing and creates nothing; `durable` is `write`, and what
 * `append` and `seal` did is durable when they resolve.
 */
export async function openStore(address: string, access: "write" | "durable" | "read"): Promise<Store> {
  const [scheme, rest] = [address.slice(0, address.indexOf(":")), address.slice(address.indexOf(":") + 1)];
  if (scheme === "sqlite" && rest !== "") {
    const { openSqliteStore } = await import("./sqlite/open-sqlite-store.ts");
    return openSqliteStore(rest, access);
  }
  if (scheme === "https" || scheme === "http") {
    const { openRemoteStore } = await import("./remote/remote-store.ts");
    return openRemoteStore(address);
  }
  throw new DaybookError("store_unusable", `"${scheme}": it is not sqlite:PATH or https://ingest:TOKEN@HOST`);
}
