// How far a long task is: a bar on a terminal, nothing in a pipe. On stderr, so that stdout is the result alone.
import type { Writable } from "node:stream";
import { SingleBar } from "cli-progress";

export interface Progress {
  update(value: number): void;
  /** Makes room for lines of output; the next update draws again. */
  clear(): void;
  /** Idempotent. */
  stop(): void;
}

/** `value/total` of `unit` on `screen`; a task of one step shows nothing. */
export function showProgress(
  screen: Writable & { readonly isTTY?: boolean },
  total: number,
  unit: string,
): Progress {
  if (screen.isTTY !== true || total < 2) return { update() {}, clear() {}, stop() {} };
  const bar = new SingleBar({
    format: `{bar} {value}/{total} ${unit}, {eta_formatted} left`,
    stream: screen as NodeJS.WritableStream,
    clearOnComplete: true,
  });
  bar.start(total, 0);
  return {
    update: (value) => bar.update(value),
    clear: () => screen.write("\r\u001b[K"),
    stop: () => bar.stop(),
  };
}
