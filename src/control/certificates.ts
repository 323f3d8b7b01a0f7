// Files of certificates that people name for an upstream, looked at before they are kept.
import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { DaybookError, nativeCode } from "../event/errors.ts";

/** All that the world's browsers trust is a fifth of it. */
const MAX_CA_BYTES = 1_048_576;

/** Throws `bad_argument` unless the file holds certificates. */
export function refuseUnreadable(caFile: string | null): void {
  if (caFile === null) return;
  try {
    const file = statSync(caFile);
    // A pipe would keep everybody waiting, a device never ends.
    if (!file.isFile() || file.size > MAX_CA_BYTES) throw new TypeError("no file of certificates");
    new X509Certificate(readFileSync(caFile));
  } catch (error) {
    const what = `ca_file: cannot be read as a certificate (${nativeCode(error)})`;
    throw new DaybookError("bad_argument", `${what}.`, { cause: error });
  }
}
