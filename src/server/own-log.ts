// Our own log: JSON lines on stderr, without content.
import { DaybookError, nativeCode } from "../event/errors.ts";

/** Something failed; `about`: the request's id, or the part that it concerns. */
export function report(error: unknown, about: string): void {
  const code = error instanceof DaybookError ? error.code : nativeCode(error);
  const line = { time: new Date().toISOString(), level: "error", code, request_id: about };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}
