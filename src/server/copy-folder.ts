// Copies files that are in use: what is replaced or grows meanwhile is copied again, until a round finds nothing gone.
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { nativeCode } from "../event/errors.ts";

/** Rounds over a folder whose files are replaced meanwhile. */
const MAX_ROUNDS = 10;

/** What is in a folder; null when it has gone. */
export type List = (folder: string) => { readonly name: string; readonly isFolder: boolean }[] | null;

/**
 * All that is in it, at any depth (0600 and 0700, durable). A partial tile goes, with its folder, when a wider one has
 * come, and an old segment when the store has it: then the whole is gone through again. Throws when it is never still.
 */
export function copyFolder(from: string, to: string, list: List = listFolder): void {
  makeFolder(to);
  if (!existsSync(from)) return;
  for (let round = 0; round < MAX_ROUNDS; round++) if (copyAll(from, to, list)) return;
  throw Object.assign(new Error(`${from} changes faster than it can be copied`), { code: "EBUSY" });
}

/** False: something was gone that was there. */
function copyAll(from: string, to: string, list: List): boolean {
  makeFolder(to);
  const entries = list(from);
  let isWhole = entries !== null;
  for (const { name, isFolder } of entries ?? []) {
    const [source, target] = [join(from, name), join(to, name)];
    const isCopied = isFolder
      ? copyAll(source, target, list)
      : isSame(source, target) || copyFile(from, to, name);
    isWhole &&= isCopied;
  }
  return isWhole;
}

/** False: it is not there, or has gone meanwhile. */
export function copyFile(from: string, to: string, name: string): boolean {
  const target = join(to, name);
  try {
    copyFileSync(join(from, name), target);
  } catch (error) {
    if (nativeCode(error) === "ENOENT") return false;
    throw error;
  }
  chmodSync(target, 0o600);
  syncFile(target);
  return true;
}

export function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

export function syncFile(path: string): void {
  const descriptor = openSync(path, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

export function listFolder(folder: string): ReturnType<List> {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
  } catch (error) {
    if (nativeCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** Files here are written once, or only grow. */
function isSame(source: string, target: string): boolean {
  const [one, other] = [source, target].map((path) => statSync(path, { throwIfNoEntry: false })?.size);
  return one !== undefined && one === other;
}
