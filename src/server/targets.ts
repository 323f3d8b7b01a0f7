// Where exports are delivered: folders and buckets, by the names that the configuration file gives them. A file is
// there whole or not at all, and its manifest comes after it, so that whoever finds a manifest finds its file.
import { copyFile, mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ExportTarget } from "../config/config.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";

/** A place, as far as exports need it. Everything rejects with native errors. */
export interface Place {
  put(path: string, name: string, signal: AbortSignal): Promise<void>;
  putText(text: string, name: string): Promise<void>;
  /** Names that begin so. */
  list(prefix: string): Promise<string[]>;
  remove(name: string): Promise<void>;
}

export class Targets {
  readonly #targets: () => readonly ExportTarget[];

  /** `targets`: those of the configuration that is in force. */
  constructor(targets: () => readonly ExportTarget[]) {
    this.#targets = targets;
  }

  get names(): readonly string[] {
    return this.#targets().map(({ name }) => name);
  }

  /** Throws `unknown_entity`. */
  check(name: string): void {
    if (!this.names.includes(name))
      throw new DaybookError("unknown_entity", `export target ${JSON.stringify(name)} in the configuration`);
  }

  /** Puts the file at `path`, and its manifest beside it as `NAME.manifest.json`. Rejects with `export_failed`. */
  async deliver(target: string, path: string, manifest: string, signal: AbortSignal): Promise<void> {
    await this.#at(target, async (place) => {
      const name = basename(path);
      await place.put(path, name, signal);
      await place.putText(manifest, `${name}.manifest.json`);
    });
  }

  /** Of the files whose names begin so, and which a time follows, the last `count` by name stay, with their manifests. */
  async keepLast(target: string, prefix: string, count: number): Promise<void> {
    await this.#at(target, async (place) => {
      const names = (await place.list(prefix)).filter((name) =>
        /^\d{8}T\d{6}/.test(name.slice(prefix.length)),
      );
      const files = names.filter((name) => !name.endsWith(".manifest.json")).sort();
      for (const name of files.slice(0, Math.max(0, files.length - count))) {
        await place.remove(`${name}.manifest.json`);
        await place.remove(name);
      }
    });
  }

  async #at(target: string, work: (place: Place) => Promise<void>): Promise<void> {
    this.check(target);
    const found = this.#targets().find(({ name }) => name === target) as ExportTarget;
    try {
      await work(
        found.s3 === null
          ? folderPlace(found.folder ?? "")
          : (await import("./bucket.ts")).bucketPlace(found.s3),
      );
    } catch (error) {
      if (error instanceof DaybookError) throw error;
      throw new DaybookError("export_failed", `${target} (${nativeCode(error)})`, { cause: error });
    }
  }
}

function folderPlace(folder: string): Place {
  /** Written beside, synced, and renamed: nobody sees half a file. */
  const whole = async (name: string, write: (path: string) => Promise<void>) => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const beside = join(folder, `.${name}.part`);
    try {
      await write(beside);
      await using file = await open(beside, "r+");
      await file.chmod(0o600);
      await file.sync();
      await rename(beside, join(folder, name));
    } finally {
      await rm(beside, { force: true });
    }
    await using opened = await open(folder, "r");
    await opened.sync();
  };
  return {
    put: (path, name) => whole(name, (to) => copyFile(path, to)),
    putText: (text, name) => whole(name, (to) => writeFile(to, text, { mode: 0o600 })),
    list: async (prefix) => (await readdir(folder)).filter((name) => name.startsWith(prefix)),
    remove: (name) => rm(join(folder, name), { force: true }),
  };
}
