// Programs that the benches start: found or built, started, waited for, placed on a core.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { availableParallelism, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export function isInstalled(command: string): boolean {
  return spawnSync("which", [command]).status === 0;
}

/** First line of what the command says with `argument`, on either output. */
export function versionOf(command: string, argument: string): string {
  const { stdout, stderr } = spawnSync(command, [argument], { encoding: "utf8" });
  return /\d+(?:\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? "unknown";
}

/** The C program beside this file, compiled when it is not yet; null where there is no gcc. */
export function compiled(name: string): string | null {
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  const folder = join(tmpdir(), `daybook-bench-${userInfo().uid}`);
  const program = join(folder, `${name}-${hash("sha256", readFileSync(source)).slice(0, 16)}`);
  if (existsSync(program)) return program;
  if (!isInstalled("gcc")) return null;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  execFileSync("gcc", ["-O2", "-o", `${program}.${process.pid}`, source], { stdio: "inherit" });
  renameSync(`${program}.${process.pid}`, program);
  return program;
}

/** Starts a program that says one line when it serves; resolves with that line. */
export async function started(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly child: ChildProcess; readonly line: string }> {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    if (said.includes("\n")) resolve(said.slice(0, said.indexOf("\n")));
  });
  child.once("error", reject);
  child.once("exit", (code) => reject(new Error(`${command} ended with ${code} before it served`)));
  return { child, line: await promise };
}

/** Starts a program that says nothing when it serves. */
export function spawned(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn(command, args, { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, ...env } });
}

/** Runs a program to its end, with `input` on its stdin; its output. */
export async function ran(command: string, args: readonly string[], input = ""): Promise<string> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = Promise.withResolvers<number | null>();
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.once("error", ended.reject);
  child.once("close", ended.resolve);
  child.stdin.end(input);
  const code = await ended.promise;
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
  return output;
}

export async function stopped(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill(signal);
  await ended;
}

/** Whether what is measured and what measures it can have a core each. */
export const canPlace = availableParallelism() > 1 && isInstalled("taskset");

/** Puts the whole process on the second core: generators and upstreams. */
export function placeBeside(pid: number): void {
  if (canPlace) spawnSync("taskset", ["-a", "-p", "-c", "1", String(pid)]);
}

/** Puts the thread that serves requests on the first core, alone; all its others on the second. */
export function placeServer(pid: number): void {
  if (!canPlace) return;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    spawnSync("taskset", ["-p", "-c", thread === String(pid) ? "0" : "1", thread]);
}

/** Arguments before a command that run it on the second core. */
export const BESIDE: readonly string[] = canPlace ? ["taskset", "-c", "1"] : [];
