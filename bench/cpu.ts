// What a process has used of the machine, by Linux's own count; where there is no /proc, nothing is known (NaN).
import { readdirSync, readFileSync } from "node:fs";

/** Microseconds of CPU, user and system, of all threads of the processes, those that have ended included. */
export function cpuMicros(...pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (scheduled(pid) ?? ticked(pid)), 0);
}

/** The same of the threads of one name; their time so far if they live, and 0 when there is none. */
export function threadMicros(pid: number, name: string): number {
  try {
    const tasks = `/proc/${pid}/task`;
    const named = readdirSync(tasks).filter(
      (task) => readFileSync(`${tasks}/${task}/comm`, "utf8").trim() === name,
    );
    return named.reduce((sum, task) => sum + ranNanos(`${tasks}/${task}`) / 1000, 0);
  } catch {
    return Number.NaN;
  }
}

/** The first field of schedstat: nanoseconds on a core. */
function ranNanos(task: string): number {
  return Number(readFileSync(`${task}/schedstat`, "utf8").split(" ")[0]);
}

/** Nanosecond counters of the threads that live; null where the kernel keeps none. */
function scheduled(pid: number): number | null {
  try {
    const tasks = `/proc/${pid}/task`;
    let nanos = 0;
    for (const task of readdirSync(tasks)) nanos += ranNanos(`${tasks}/${task}`);
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

/** Open descriptors of the process. */
export function descriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return Number.NaN;
  }
}
