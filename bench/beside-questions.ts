// What questions to a long log cost the requests that the same server relays meanwhile: an even rate of them, with
// questions asked one after the other beside them and without.
import { dirname } from "node:path";
import type { FilledStore } from "./filled-store.ts";
import { type BenchOptions, interleave, type Measured, type Results } from "./harness.ts";
import { askEvenly, openUpstream } from "./load/load.ts";
import { BENCH_TOKEN } from "./targets/keys.ts";
import { startDaybook } from "./targets/start.ts";
import { chatOf } from "./targets/targets.ts";

export const ALONE = "alone";
export const BESIDE_QUESTIONS = "beside questions";
export const RATE = 200;
const CONNECTIONS = 16;
/** Short ones and long ones: the readers' threads both have work. */
const ASKERS = 2;

/** `paths` are below /admin/audit-logs. */
export async function besideQuestions(
  filled: FilledStore,
  paths: readonly string[],
  { quick, rounds, say }: BenchOptions,
): Promise<Results> {
  await using upstream = await openUpstream(50, 10);
  const daybook = await startDaybook(dirname(filled.file), upstream.port, "open");
  try {
    const turn = async (isAsked: boolean): Promise<Measured> => {
      const over = new AbortController();
      const askers = Array.from({ length: isAsked ? ASKERS : 0 }, (_, asker) =>
        askOn(daybook.port, turned(paths, (asker * paths.length) / ASKERS), over.signal),
      );
      const load = { connections: CONNECTIONS, seconds: quick ? 1 : 5, rate: RATE };
      const served = await askEvenly(chatOf(daybook.port, "json"), load);
      over.abort();
      const answered = (await Promise.all(askers)).reduce((sum, count) => sum + count, 0);
      if (served.failures > 0) throw new Error(`${served.failures} requests failed`);
      return { "p50 ms": served.p50, "p99 ms": served.p99, "questions/s": answered / served.seconds };
    };
    return await interleave(
      [
        { name: ALONE, turn: () => turn(false) },
        { name: BESIDE_QUESTIONS, turn: () => turn(true) },
      ],
      { rounds, say },
    );
  } finally {
    await daybook.close();
  }
}

function turned(paths: readonly string[], by: number): string[] {
  const at = Math.floor(by);
  return [...paths.slice(at), ...paths.slice(0, at)];
}

/** One question after the other, round and round; how many were answered. */
async function askOn(port: number, paths: readonly string[], signal: AbortSignal): Promise<number> {
  const headers = { authorization: `Bearer ${BENCH_TOKEN}` };
  for (let count = 0; ; count++) {
    if (signal.aborted) return count;
    const path = paths[count % paths.length] as string;
    const response = await fetch(`http://127.0.0.1:${port}/admin/audit-logs${path}`, { headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${text}`);
  }
}
