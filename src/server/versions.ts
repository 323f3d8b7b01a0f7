// Which tables this version of Daybook writes, for those who look at a data folder from outside.
import { MIGRATIONS } from "../control/tables.ts";

/** Version of control.db, in its `user_version`. */
export const CONTROL_VERSION = MIGRATIONS.length;
