// Folders of a test's own. All are gone when the process is: what still runs in one may end in peace.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = mkdtempSync(join(tmpdir(), "daybook-test-"));
process.once("exit", () => rmSync(root, { recursive: true, force: true }));

export function tempFolder(): string {
  return mkdtempSync(join(root, "folder-"));
}
