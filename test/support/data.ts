// Shared test data that is not part of the project: where it is, and what to say where it is not.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder =
  process.env.DAYBOOK_TEST_DATA ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));

/** The path of a file or folder of it. */
export const testData = (name: string): string => join(folder, name);

/** Why a test that needs `name` cannot run here; false: it can. */
export function withoutData(name: string): string | false {
  return existsSync(testData(name)) ? false : `needs ${name} in ../shared/data or DAYBOOK_TEST_DATA`;
}
