// Writes to a connection that can go away. What node:http and ws were handed of one that is gone is not always answered:
// whoever waits for it is told here.
import type { EventEmitter } from "node:events";

/** A write of one part; `done` is called when it is handed to the system, or with what went wrong. */
type WritePart = (part: Uint8Array | string, done: (error?: Error | null) => void) => void;

export type WriteAll = (parts: readonly (Uint8Array | string)[]) => Promise<void>;

/**
 * Writes several parts in order; resolves when the last is handed to the system, and rejects when the connection emits
 * `close` before. One call at a time.
 */
export function writingUntilGone(connection: EventEmitter, write: WritePart): WriteAll {
  let isGone = false;
  let giveUp: ((error: Error) => void) | null = null;
  connection.once("close", () => {
    isGone = true;
    giveUp?.(new Error("gone"));
  });
  return (parts) =>
    new Promise<void>((resolve, reject) => {
      giveUp = reject;
      if (isGone) reject(new Error("gone"));
      else if (parts.length === 0) resolve();
      else
        for (const [index, part] of parts.entries())
          write(part, (error) => {
            if (error) reject(error);
            else if (index === parts.length - 1) resolve();
          });
    });
}
