// The way into a service: a recorder of this process's own, in a local data folder or with another Daybook behind it.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { DEFAULT_DAYS, DEFAULT_MODES } from "../event/defaults.ts";
import { DaybookError } from "../event/errors.ts";
import type { Kind, Mode } from "../event/fields.ts";
import { openOwnNode } from "../node/own-node.ts";
import type { ArgumentRules, WorkKind } from "./annotations.ts";
import { checkOptions } from "./check-options.ts";
import { DaybookRecorder } from "./library-recorder.ts";

interface CommonOptions {
  /** Whether work of a kind waits until it is recorded. `admin` always does. */
  readonly modes?: Readonly<Partial<Record<Exclude<WorkKind, "admin">, Mode>>>;
  /** What is kept of the arguments of MCP calls; `redacted`. */
  readonly argumentMode?: ArgumentRules["mode"];
  /** Keep the redacted `message` of errors that tracked work throws; false: their class names only. */
  readonly errorMessages?: boolean;
  /** The way in that events tell; `library`. */
  readonly caller?: "library" | "http" | "stdio" | "cli";
  readonly profile?: string;
  /** Largest size of this process's journal, 32 or more; 1024. */
  readonly journalMaxMb?: number;
}

export interface LocalOptions extends CommonOptions {
  /** The data folder, shared by any number of processes of this machine. Never on a network file system. */
  readonly folder: string;
  /** Where events are read from; `sqlite:events.db` in the folder. A server on the same folder has the same. */
  readonly store?: string;
}

export interface RemoteOptions extends CommonOptions {
  /** Of another Daybook. */
  readonly url: string;
  /** A token of that Daybook with the scope `ingest`. */
  readonly key: string;
  /** Where events wait until they are there; a folder of its own, `~/.daybook/remote/HOST`. */
  readonly folder?: string;
}

export type CreateRecorderOptions = LocalOptions | RemoteOptions;

const JOURNAL_MB = 1024;
const RESERVE_MB = 32;

/**
 * Takes a slot in the folder, finishes what a process that died there has left, and resolves when events can be
 * recorded. Rejects with `bad_option`, `folder_unusable` and the like.
 */
export async function createRecorder(options: CreateRecorderOptions): Promise<DaybookRecorder> {
  checkOptions(options);
  const {
    modes,
    argumentMode = "redacted",
    errorMessages = false,
    caller = "library",
    profile = null,
  } = options;
  const { home, store } = placeOf(options);
  const maxMb = options.journalMaxMb ?? JOURNAL_MB;
  const node = await openOwnNode({
    home,
    store,
    profile,
    journal: { maxMb, reserveMb: Math.min(RESERVE_MB, Math.floor(maxMb / 4)) },
    audit: { modes: modesOf(modes ?? {}), retentionDays: DEFAULT_DAYS },
    // A folder with control.db is a server's, which knows more of it.
    adopts: !existsSync(join(home, "control.db")),
  });
  const rules = { mode: argumentMode };
  return new DaybookRecorder({ node, rules, errorMessages, caller });
}

function placeOf(options: CreateRecorderOptions): { readonly home: string; readonly store: string } {
  if (!("url" in options)) {
    const home = resolve(options.folder);
    return { home, store: options.store ?? `sqlite:${join(home, "events.db")}` };
  }
  const url = URL.parse(options.url);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new DaybookError("store_unusable", `"${options.url}": it is not an http or https URL`);
  const folder = join(homedir(), ".daybook", "remote", url.host.replace(/[^A-Za-z0-9.-]/g, "_"));
  url.username = "ingest";
  url.password = options.key;
  return { home: resolve(options.folder ?? folder), store: url.href };
}

function modesOf(given: Readonly<Partial<Record<Kind, Mode>>>): Record<Kind, Mode> {
  const { admin, system } = DEFAULT_MODES;
  const chosen = Object.entries(given).filter(([, mode]) => mode !== undefined);
  return { ...DEFAULT_MODES, ...Object.fromEntries(chosen), admin, system };
}
