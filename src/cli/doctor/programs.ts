// Whether Node, the SQLite in it, and the configuration are such that Daybook can run.
import { DaybookError } from "../../event/errors.ts";
import { type Check, fail, ok, refused } from "./check.ts";

/** package.json's `engines`. */
const OLDEST_NODE = "24.15.0";
/** SQLite before it can corrupt a WAL database when two connections reset the WAL (sqlite.org/wal.html). */
const OLDEST_SQLITE = "3.51.3";

export const checkPrograms: Check = ({ machine: { nodeVersion, sqliteVersion } }) => [
  isAtLeast(nodeVersion, OLDEST_NODE)
    ? ok("node", `version ${nodeVersion}`)
    : fail(
        "node",
        `version ${nodeVersion} is older than ${OLDEST_NODE}`,
        `Use Node ${OLDEST_NODE} or newer.`,
      ),
  isAtLeast(sqliteVersion, OLDEST_SQLITE)
    ? ok("sqlite", `version ${sqliteVersion}`)
    : fail(
        "sqlite",
        `version ${sqliteVersion} is older than ${OLDEST_SQLITE} and may corrupt a database`,
        `Use a Node with SQLite ${OLDEST_SQLITE} or newer.`,
      ),
];

export const checkConfiguration: Check = ({ config }) => {
  if (config instanceof DaybookError) return [refused("configuration", config)];
  const profile = config.profile === null ? "" : `, profile ${config.profile}`;
  return [ok("configuration", `${config.file ?? "no file: defaults and variables"}${profile}`)];
};

/** Whether a version of numbers with dots is `least` or newer. */
export function isAtLeast(version: string, least: string): boolean {
  const [has, needs] = [version, least].map((text) =>
    text.split(".").map((part) => Number.parseInt(part, 10)),
  );
  for (const [index, need] of (needs ?? []).entries()) {
    const part = has?.[index] ?? 0;
    if (part !== need) return part > need;
  }
  return true;
}
