// The data folder: there, private, ours to write, and on a disk of this machine.
import { accessSync, constants, existsSync, lstatSync, readdirSync, type Stats } from "node:fs";
import { dirname, join, relative } from "node:path";
import { nativeCode } from "../../event/errors.ts";
import { countOf } from "../amounts.ts";
import { visible } from "../event-table.ts";
import { type Check, type Finding, fail, ok, warn } from "./check.ts";

export const checkFolder: Check = ({ home }) => {
  if (!existsSync(home))
    return [warn("folder", `${home} is not there yet`, "Run `daybook serve`, which makes it.")];
  try {
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
    return [ok("folder", `${home} can be read and written`), ...checkFiles(home)];
  } catch (error) {
    const remedy = "Run as the user that the folder belongs to, or set DAYBOOK_HOME to another folder.";
    return [fail("folder", `${home} cannot be read and written (${nativeCode(error)})`, remedy)];
  }
};

/** Everything is its owner's alone, and all has one owner. */
function checkFiles(home: string): Finding[] {
  const owner = lstatSync(home).uid;
  const [open, strange]: [string[], string[]] = [[], []];
  let seen = 0;
  for (const { path, stats } of everythingIn(home)) {
    seen++;
    const name = relative(home, path) || ".";
    if ((stats.mode & 0o077) !== 0 && !stats.isSymbolicLink()) open.push(name);
    if (stats.uid !== owner) strange.push(name);
  }
  const findings: Finding[] = [];
  if (open.length > 0) {
    const remedy = `Run: chmod -R go-rwx '${home}'`;
    findings.push(fail("permissions", `other users may use ${namesText(open)}`, remedy));
  }
  if (strange.length > 0) {
    const remedy = "Give all of it to the user that Daybook runs as.";
    findings.push(warn("permissions", `another user than the folder's owns ${namesText(strange)}`, remedy));
  }
  return findings.length > 0 ? findings : [ok("permissions", `${countOf(seen, "file")} for the owner alone`)];
}

function* everythingIn(path: string): Generator<{ path: string; stats: Stats }> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  // A running server makes and removes files meanwhile.
  if (stats === undefined) return;
  yield { path, stats };
  if (stats.isDirectory()) for (const name of readdirSync(path)) yield* everythingIn(join(path, name));
}

function namesText(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(visible).join(", ");
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

/** linux/magic.h. Locks, fsync and shared memory of SQLite do not hold on a network. */
const NETWORK: Readonly<Record<number, string>> = {
  26985: "NFS",
  20859: "SMB",
  4266872130: "SMB2",
  4283649346: "CIFS",
  1397113167: "AFS",
  1937076805: "Coda",
  12805120: "Ceph",
  198183888: "Lustre",
  16914839: "9P",
};
const FUSE = 0x65735546;

export const checkFileSystem: Check = ({ home, store, machine: { platform, fileSystem } }) => {
  const folders = new Set([
    home,
    ...(store.startsWith("sqlite:") ? [dirname(store.slice("sqlite:".length))] : []),
  ]);
  return [...folders].map(thereOrAbove).flatMap((folder) => {
    try {
      return [judgeFileSystem(folder, fileSystem(folder).type, platform)];
    } catch (error) {
      return [warn("file system", `${folder} cannot be asked (${nativeCode(error)})`, "Check the disk.")];
    }
  });
};

export function judgeFileSystem(folder: string, type: number, platform: NodeJS.Platform): Finding {
  const check = "file system";
  // Other systems number their file systems as they like.
  if (platform !== "linux") return ok(check, `${folder}: not known on ${platform}`);
  // The field is signed on some machines.
  const magic = type >>> 0;
  const network = NETWORK[magic];
  if (network !== undefined)
    return fail(
      check,
      `${folder} is on ${network}, where locks and syncs do not hold`,
      "Use a disk of this machine.",
    );
  if (magic === FUSE)
    return warn(
      check,
      `${folder} is on FUSE, which may be a network`,
      "Make sure that it is a disk of this machine.",
    );
  return ok(check, `${folder} is on a disk of this machine (type 0x${magic.toString(16)})`);
}

/** The folder, or the nearest one above it that is there. */
export function thereOrAbove(folder: string): string {
  let path = folder;
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path);
  return path;
}
