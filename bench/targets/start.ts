// Starts daybook-server.ts and speaks with it.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export type DaybookMode = "open" | "strict" | "unrecorded";

/** Bytes of its memory, and journal records that are not in the store. */
export interface DaybookState {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly lag: number;
}

export interface StartedDaybook {
  readonly pid: number;
  readonly port: number;
  /** Resolves when everything so far is recorded and shipped. */
  settle(): Promise<void>;
  state(): Promise<DaybookState>;
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
  const ask = async <T>(what: "settle" | "state"): Promise<T> => {
    child.send(what);
    const [answer] = await once(child, "message");
    return answer as T;
  };
  return {
    pid: child.pid ?? 0,
    port,
    state: () => ask<DaybookState>("state"),
    async settle() {
      const { settled } = await ask<{ settled: boolean }>("settle");
      if (!settled) throw new Error("the store did not catch up within two minutes");
    },
    async close() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}
