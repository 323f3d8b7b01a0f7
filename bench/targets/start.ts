// Starts daybook-server.ts and speaks with it.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export type DaybookMode = "open" | "strict" | "unrecorded";

export interface StartedDaybook {
  readonly pid: number;
  readonly port: number;
  /** Resolves when everything so far is recorded and shipped. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

const SCRIPT = fileURLToPath(new URL("daybook-server.ts", import.meta.url));

/** Resolves when it serves. */
export async function startDaybook(
  home: string,
  upstreamPort: number,
  mode: DaybookMode,
  execArgv: readonly string[] = [],
): Promise<StartedDaybook> {
  const child = fork(SCRIPT, [home, String(upstreamPort), mode], { execArgv: [...execArgv] });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return {
    pid: child.pid ?? 0,
    port,
    async settle() {
      child.send("settle");
      const [{ settled }] = (await once(child, "message")) as [{ settled: boolean }];
      if (!settled) throw new Error("the store did not catch up within two minutes");
    },
    async close() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}
