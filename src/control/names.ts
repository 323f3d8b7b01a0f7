// What people call whom events know by ids.
import type { Reads } from "./control.ts";

/** By id: the names of users; of API keys and tokens. */
export async function namesOf(reads: Reads) {
  const of = async (table: "users" | "api_keys" | "tokens") => {
    const rows = await reads.selectFrom(table).select(["id", "name"]).execute();
    return rows.map(({ id, name }) => [id, name] as const);
  };
  return {
    users: Object.fromEntries(await of("users")),
    keys: Object.fromEntries([...(await of("api_keys")), ...(await of("tokens"))]),
  };
}
