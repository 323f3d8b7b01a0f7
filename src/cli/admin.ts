// Verbs that change or list what control holds. All of them are the API's own routes: asked of another Daybook
// (--url, DAYBOOK_URL), or answered in this process on the data folder, where they leave the same events.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { Command } from "commander";
import type { AskInit } from "../client/client.ts";
import type { Environment } from "../config/environment.ts";
import { loadConfig } from "../config/load-config.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { parseInstant } from "../query/instants.ts";
import type { Direct } from "../server/direct.ts";
import { plainTable } from "./plain-table.ts";
import { clientOf, nextOf, type Remote, remoteFailure, remoteOf, targetOf } from "./remote.ts";

export interface AdminParts {
  readonly env: Environment;
  readonly cwd: string;
  readonly homedir: string;
  readonly stdin: Readable;
  readonly out: Writable;
  readonly err: Writable;
  /** UTC milliseconds. */
  readonly now: () => number;
}

export interface AdminFlags {
  readonly json?: true;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly config?: string;
  readonly profile?: string;
}

export type Entity = Readonly<Record<string, unknown>>;
type Method = Parameters<Direct["ask"]>[0];

/** The API, wherever it is. Rejects with `bad_argument`, `refused`, `remote_failed`, or as the data folder fails. */
export interface Admin extends AsyncDisposable {
  ask(method: Method, path: string, body?: unknown): Promise<Entity>;
  /** Every entry of a list, page by page. */
  list(path: string): Promise<Entity[]>;
}

/** `text` as one segment of a path. */
export const segment = (text: string) => encodeURIComponent(text);

/** A verb of its own, with the flags that every such verb has. */
export function adminCommand(name: string, about: string): Command {
  return new Command(name)
    .description(about)
    .option("--json", "answer as JSON")
    .option("--url <url>", "ask this Daybook (or DAYBOOK_URL); needs DAYBOOK_TOKEN or --token-file")
    .option("--token-file <file>", "file that holds the token")
    .option("--config <file>", "configuration file")
    .option("--profile <name>", "configuration profile");
}

/** Runs `work` with the API that `flags` name. */
export async function withAdmin<T>(
  parts: AdminParts,
  flags: AdminFlags,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const remote = await remoteOf(parts.env, flags);
  await using admin = remote === null ? await openLocal(parts, flags) : remoteAdmin(remote);
  return await work(admin);
}

async function openLocal(parts: AdminParts, flags: AdminFlags): Promise<Admin> {
  const config = await loadConfig({ ...parts, flags });
  const { openDirect } = await import("../server/direct.ts");
  const direct = await openDirect(config);
  const asked = async (method: Method, path: string, body?: unknown) => {
    const { status, link, text } = await direct.ask(method, path, body);
    const json: unknown = text === "" ? {} : JSON.parse(text);
    if (status < 400) return { json, link };
    const { detail } = json as { detail?: unknown };
    throw new DaybookError(
      status === 400 ? "bad_argument" : "refused",
      String(detail ?? `The answer was ${status}.`),
    );
  };
  return {
    ask: async (method, path, body) => (await asked(method, path, body)).json as Entity,
    list: async (path) => {
      const found: Entity[] = [];
      for (let next: string | null = path; next !== null; ) {
        const { json, link } = await asked("GET", next);
        found.push(...(json as Entity[]));
        next = /<([^>]*)>; *rel="next"/.exec(link ?? "")?.[1] ?? null;
      }
      return found;
    },
    [Symbol.asyncDispose]: () => direct[Symbol.asyncDispose](),
  };
}

function remoteAdmin(remote: Remote): Admin {
  const { ask } = clientOf(remote);
  const asked = async (path: string, init: AskInit = {}) => {
    try {
      const response = await ask(path, init);
      const text = await response.text();
      return { json: jsonOf(text), link: response.headers.get("link") };
    } catch (error) {
      throw remoteFailure(error, remote);
    }
  };
  const jsonOf = (text: string): unknown => {
    try {
      return text === "" ? {} : JSON.parse(text);
    } catch (error) {
      throw new DaybookError("remote_failed", `at ${remote.url.origin} did not answer with JSON`, {
        cause: error,
      });
    }
  };
  return {
    ask: async (method, path, body) =>
      (await asked(path, { method, ...(body === undefined ? {} : { body }) })).json as Entity,
    list: async (path) => {
      const found: Entity[] = [];
      for (let target: URL | null = targetOf(remote, path); target !== null; ) {
        const { json, link } = await asked(target.href);
        found.push(...(json as Entity[]));
        target = nextOf(link, target);
      }
      return found;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Writes a list: JSON, or a table of `columns`. */
export async function printList(
  { out }: AdminParts,
  { json }: AdminFlags,
  entities: readonly Entity[],
  columns: readonly string[],
): Promise<void> {
  const text = json
    ? `${JSON.stringify(entities)}\n`
    : plainTable(
        columns.map((name) => name.replaceAll("_", " ")),
        entities.map((entity) => columns.map((name) => entity[name])),
      );
  if (!out.write(text)) await once(out, "drain");
}

/** Writes one entity: JSON, or a line for each of its members that has a value. */
export async function printEntity({ out }: AdminParts, { json }: AdminFlags, entity: Entity): Promise<void> {
  const set = Object.entries(entity).filter(([, value]) => value !== null);
  const text = json
    ? `${JSON.stringify(entity)}\n`
    : plainTable(
        [],
        set.map(([name, value]) => [name.replaceAll("_", " "), value]),
      );
  if (!out.write(text)) await once(out, "drain");
}

/** Says what was done, where nobody asked for JSON. */
export function printDone({ out }: AdminParts, { json }: AdminFlags, sentence: string): void {
  out.write(json ? "{}\n" : `${sentence}\n`);
}

const SPAN = /^(\d{1,9})([smhd])$/;
const SPAN_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `30s`, `10m`, `2h`, `7d` as seconds. */
export function secondsOf(flag: string, text: string): number {
  const [, count, unit] = SPAN.exec(text) ?? [];
  if (count !== undefined) return Number(count) * SPAN_SECONDS[unit as keyof typeof SPAN_SECONDS];
  throw new DaybookError(
    "bad_argument",
    `${flag} takes a span such as 30s, 10m, 2h or 7d, not ${JSON.stringify(text)}.`,
  );
}

/** A span from now, or a time, as ISO 8601. */
export function expiryOf(text: string, now: number): string {
  const ms = SPAN.test(text) ? now + 1000 * secondsOf("--expires", text) : parseInstant(text);
  if (ms !== null) return new Date(ms).toISOString();
  throw new DaybookError(
    "bad_argument",
    `--expires takes a span such as 90d, or a time such as 2027-01-31T08:00:00Z, not ${JSON.stringify(text)}.`,
  );
}

/** A secret from a file, or from standard input (`-`): never from the command line, where others could read it. */
export async function secretFrom({ stdin }: AdminParts, file: string): Promise<string> {
  try {
    const text = file === "-" ? await textOf(stdin) : await readFile(file, "utf8");
    return text.replace(/\r?\n$/, "");
  } catch (error) {
    throw new DaybookError("bad_argument", `Cannot read ${file} (${nativeCode(error)}).`, { cause: error });
  }
}

/** Headers from a file, or from standard input, with a line for each. */
export async function headersFrom(parts: AdminParts, file: string): Promise<Record<string, string>> {
  const lines = (await secretFrom(parts, file)).split(/\r?\n/).filter((line) => line.trim() !== "");
  const entries = lines.map((line) => /^([^:\s]+):\s*(.*?)\s*$/.exec(line));
  if (entries.includes(null))
    throw new DaybookError("bad_argument", "The headers are not lines such as `X-Team: search`.");
  return Object.fromEntries(entries.map((entry) => [entry?.[1] ?? "", entry?.[2] ?? ""]));
}

/** Collects a flag that may be repeated. */
export const several = (value: string, before: readonly string[] = []) => [...before, value];
