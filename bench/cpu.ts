// What a process has used of the machine, by Linux's own count; where there is no /proc, nothing is known (NaN).
import { readdirSync, readFileSync } from "node:fs";

/** Microseconds of CPU, user and system, of all threads of the processes, those that have ended included. */
export function cpuMicros(...pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (scheduled(pid) ?? ticked(pid)), 0);
}

/** Nanosecond counters of the threads that live; null where the kernel keeps none. */
function scheduled(pid: number): number | null {
  try {
    const tasks = `/proc/${pid}/task`;
    let nanos = 0;
    for (const task of readdirSync(tasks)) {
      const [ran = ""] = readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ");
      nanos += Number(ran);
    }
    return nanos / 1000;
  } catch {
    return null;
  }
}

/** proc_pid_stat(5): utime and stime, in hundredths of a second. */
function ticked(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return Number.NaN;
  }
}
