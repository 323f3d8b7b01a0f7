// What a check of `daybook doctor` is: it looks at one thing, changes nothing, and says what it found.
import type { Config } from "../../config/config.ts";
import { type DaybookError, ERRORS } from "../../event/errors.ts";
import type { SeenSlot } from "../../journal/seen-slots.ts";
import type { Position } from "../../stores/store.ts";

export type Verdict = "ok" | "warn" | "fail";

export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  /** Without secrets and personal data. */
  readonly found: string;
  /** What to do; null: nothing. */
  readonly remedy: string | null;
}

/** The machine as the checks see it. */
export interface Machine {
  readonly nodeVersion: string;
  readonly sqliteVersion: string;
  readonly platform: NodeJS.Platform;
  /** Wall clock, UTC ms. */
  readonly now: () => number;
  /** Milliseconds that no clock setting moves. */
  readonly monotonic: () => number;
  /** statfs(2). */
  readonly fileSystem: (path: string) => FileSystem;
}

export interface FileSystem {
  /** Linux's magic number of the file system. */
  readonly type: number;
  readonly bsize: number;
  /** Blocks that this user may still fill. */
  readonly bavail: number;
}

/** What is examined. Where the configuration cannot be used, its defaults are. */
export interface Examined {
  readonly machine: Machine;
  readonly config: Config | DaybookError;
  readonly home: string;
  /** Address of the store. */
  readonly store: string;
  readonly journal: { readonly maxMb: number; readonly reserveMb: number };
  /** Read every page and every leaf. */
  readonly isDeep: boolean;
  readonly slots: readonly SeenSlot[];
  /** Of the store, taken before the journals are read; null: it cannot be read. */
  readonly positions: readonly Position[] | null;
  /** The clocks when the examination began. */
  readonly began: { readonly now: number; readonly monotonic: number };
  /** Names the step of a long check. */
  readonly progress: (step: string) => void;
}

export type Check = (examined: Examined) => Finding[] | Promise<Finding[]>;

export const ok = (check: string, found: string): Finding => ({ check, verdict: "ok", found, remedy: null });
export const warn = (check: string, found: string, remedy: string): Finding => ({
  check,
  verdict: "warn",
  found,
  remedy,
});
export const fail = (check: string, found: string, remedy: string): Finding => ({
  check,
  verdict: "fail",
  found,
  remedy,
});

/** A refusal as a failed check. */
export function refused(check: string, { code, detail }: DaybookError): Finding {
  const { message, remedy } = ERRORS[code];
  return fail(check, message.replace("{detail}", () => detail).replace(/\.$/, ""), remedy);
}
