// A number that grows whenever words, actors or sums of somebody were taken away, so that every connection, of any process, drops what it
// remembers of them before it reads or writes again.
import type { DatabaseSync } from "node:sqlite";

export const FORGOTTEN = `
CREATE TABLE forgotten (times INTEGER NOT NULL) STRICT;
INSERT INTO forgotten VALUES (0);
`;

/** Within one transaction. */
export function countForgotten(db: Pick<DatabaseSync, "exec">): void {
  db.exec("UPDATE forgotten SET times = times + 1");
}
