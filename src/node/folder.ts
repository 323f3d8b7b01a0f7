// The data folder.
import { mkdirSync } from "node:fs";
import { DaybookError, nativeCode } from "../event/errors.ts";

/** Makes it where it is missing, for its owner alone. Throws `folder_unusable`. */
export function makeFolder(home: string): void {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DaybookError("folder_unusable", `${home}: ${nativeCode(error)}`, { cause: error });
  }
}
