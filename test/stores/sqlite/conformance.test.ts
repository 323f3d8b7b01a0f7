// The SQLite driver keeps the contract of stores.
import { join } from "node:path";
import { openSqliteStore } from "../../../src/stores/sqlite/open-sqlite-store.ts";
import { testStore } from "../../conformance/store.ts";

testStore({ name: "SQLite", open: (place, access) => openSqliteStore(join(place, "events.db"), access) });
