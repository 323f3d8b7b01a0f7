// A disk in memory behind the journal's file operations, with a numbered trace of them, faults at any of them, and
// the states that a killed process or a power loss can leave behind.
//
// Bytes are durable after a sync of their file, names after a sync of their folder. That is less than ext4 keeps
// (its fsync also keeps a new file's name, and metadata go in order), so a journal that is safe here is safe there.
import { basename, dirname } from "node:path";
import type { Files } from "../../src/journal/files.ts";
import { type Choices, everyChoice, type Random, sampledChoices } from "./choices.ts";
import { SimulatedFile } from "./simulated-file.ts";

export type OperationKind = keyof Files;

export interface Operation {
  readonly kind: OperationKind;
  /** The file or folder. */
  readonly path: string;
}

/**
 * `short`: a part of an append is written, then ENOSPC. `kill`: the process dies before the operation; `torn`: when
 * a part of an append is written. The last two read as `kill` and `short` as ENOSPC where nothing is written.
 */
export type FaultKind = "EIO" | "ENOSPC" | "short" | "kill" | "torn";

export interface Fault {
  readonly fault: FaultKind;
  /** Counted from 1 at the call of `inject`; of this kind alone when `of` is given. */
  readonly at: number;
  readonly of?: OperationKind;
}

/** What every operation of a killed process throws. */
export class KilledError extends Error {
  override name = "KilledError";
}

export class SimulatedDisk implements Files {
  /** All operations of all processes so far; number n is at index n - 1. */
  readonly trace: Operation[] = [];
  /** Where the contract of `Files` was broken. */
  readonly misuses: string[] = [];
  readonly #files = new Map<string, SimulatedFile>();
  /** Names as the disk has them, and what each name stood for since its folder was last synced. */
  readonly #durableNames: Map<string, SimulatedFile>;
  readonly #unsyncedNames = new Map<string, (SimulatedFile | null)[]>();
  readonly #descriptors = new Map<number, { readonly path: string; readonly file: SimulatedFile }>();
  /** Of this process: the next one cannot know. */
  readonly #failedSyncs = new Set<SimulatedFile>();
  #nextDescriptor = 3;
  #faults: { fault: FaultKind; left: number; of: OperationKind | null }[] = [];
  #killed = false;
  #quiet = false;

  constructor(contents: ReadonlyMap<string, Buffer> = new Map()) {
    for (const [path, content] of contents) this.#files.set(path, new SimulatedFile(content));
    this.#durableNames = new Map(this.#files);
  }

  get openDescriptors(): number {
    return this.#descriptors.size;
  }

  get faultsLeft(): number {
    return this.#faults.length;
  }

  inject({ fault, at, of }: Fault): void {
    this.#faults.push({ fault, left: at, of: of ?? null });
  }

  /** A new process: descriptors are gone, the page cache is kept but for what it may drop, faults where asked. */
  restart({ evictFailed = false, keepFaults = false } = {}): void {
    this.#descriptors.clear();
    this.#failedSyncs.clear();
    this.#killed = false;
    if (!keepFaults) this.#faults = [];
    if (evictFailed) for (const file of this.#files.values()) file.evictFailed();
  }

  /** What a process would read of each file, folders being empty ones. */
  contents(): Map<string, Buffer> {
    return new Map([...this.#files].map(([path, file]) => [path, file.read()]));
  }

  /** Works on the disk without a fault and without a trace. */
  quietly<T>(work: () => T): T {
    this.#quiet = true;
    try {
      return work();
    } finally {
      this.#quiet = false;
    }
  }

  /** A disk as the next start may find it when the power goes now. */
  afterPowerLoss(choices: Choices): SimulatedDisk {
    const contents = new Map<string, Buffer>();
    const known = new Map<SimulatedFile, Buffer>();
    // Folders come before what is in them: with the name of a folder all of it is lost.
    for (const path of [...new Set([...this.#durableNames.keys(), ...this.#unsyncedNames.keys()])].sort()) {
      const folder = dirname(path);
      if (dirname(folder) !== "/" && !contents.has(folder)) continue;
      const stoodFor = [this.#durableNames.get(path) ?? null, ...(this.#unsyncedNames.get(path) ?? [])];
      const file = stoodFor[stoodFor.length === 1 ? 0 : choices.among(stoodFor.length)] ?? null;
      if (file === null) continue;
      const content = known.get(file) ?? file.afterPowerLoss(choices);
      known.set(file, content);
      contents.set(path, content);
    }
    return new SimulatedDisk(contents);
  }

  /** All states a power loss may leave when they are at most `limit`, else a sample of `limit` of them. */
  powerLossStates(limit: number, random: Random): { disks: SimulatedDisk[]; exhaustive: boolean } {
    const all = everyChoice((choices) => this.afterPowerLoss(choices), limit);
    if (all !== null) return { disks: all, exhaustive: true };
    const sample = () => this.afterPowerLoss(sampledChoices(random));
    return { disks: Array.from({ length: limit }, sample), exhaustive: false };
  }

  list(folder: string): string[] {
    return this.#operate("list", folder, () => {
      if (!this.#isFolder(folder)) throw ioError("ENOENT");
      return [...this.#files.keys()]
        .filter((path) => dirname(path) === folder)
        .map((path) => basename(path))
        .sort();
    });
  }

  read(path: string): Buffer {
    return this.#operate("read", path, () => this.#named(path).read());
  }

  openRead(path: string): number {
    return this.#operate("openRead", path, () => this.#open(path));
  }

  size(descriptor: number): number {
    const { path, file } = this.#opened(descriptor, "size");
    return this.#operate("size", path, () => file.size);
  }

  readAt(descriptor: number, offset: number, length: number): Buffer {
    const { path, file } = this.#opened(descriptor, "readAt");
    return this.#operate("readAt", path, () => file.read(offset, length));
  }

  create(path: string): number {
    return this.#operate("create", path, () => {
      if (!this.#isFolder(dirname(path))) throw ioError("ENOENT");
      if (this.#files.has(path)) throw ioError("EEXIST");
      this.#name(path, new SimulatedFile());
      return this.#open(path);
    });
  }

  reopen(path: string): number {
    return this.#operate("reopen", path, () => this.#open(path));
  }

  append(descriptor: number, data: Uint8Array): void {
    const { path, file } = this.#opened(descriptor, "append");
    const whole = () => file.append(data);
    this.#operate("append", path, whole, (fault) => {
      if (fault === "short" || fault === "torn") file.append(data.subarray(0, Math.ceil(data.length / 2)));
    });
  }

  sync(descriptor: number): void {
    const { path, file } = this.#opened(descriptor, "sync");
    if (this.#failedSyncs.has(file)) this.misuses.push(`${path} is synced again after its sync failed`);
    const whole = () => file.sync();
    this.#operate("sync", path, whole, () => {
      file.failSync();
      this.#failedSyncs.add(file);
    });
  }

  close(descriptor: number): void {
    const { path } = this.#opened(descriptor, "close");
    const whole = () => void this.#descriptors.delete(descriptor);
    // close(2) lets go of the descriptor even when it fails.
    this.#operate("close", path, whole, whole);
  }

  truncate(path: string, size: number): void {
    this.#operate(
      "truncate",
      path,
      () => {
        this.#named(path).cut(size);
        this.#named(path).sync();
      },
      () => this.#named(path).cut(size),
    );
  }

  remove(path: string): void {
    this.#operate("remove", path, () => {
      this.#named(path);
      this.#name(path, null);
    });
  }

  rename(from: string, to: string): void {
    this.#operate("rename", to, () => {
      const file = this.#named(from);
      this.#name(to, file);
      this.#name(from, null);
    });
  }

  /** When it fails, the names stay as they were, to be synced later: ext4 would stop altogether instead. */
  syncFolder(folder: string): void {
    this.#operate("syncFolder", folder, () => {
      for (const path of [...this.#unsyncedNames.keys()].filter((name) => dirname(name) === folder)) {
        const file = this.#files.get(path);
        if (file === undefined) this.#durableNames.delete(path);
        else this.#durableNames.set(path, file);
        this.#unsyncedNames.delete(path);
      }
    });
  }

  makeFolder(path: string): void {
    this.#operate("makeFolder", path, () => {
      for (let folder = path; !this.#isFolder(folder); folder = dirname(folder))
        this.#name(folder, new SimulatedFile());
    });
  }

  removeFolder(path: string): void {
    this.#operate("removeFolder", path, () => {
      if (!this.#isFolder(path)) throw ioError("ENOENT");
      if ([...this.#files.keys()].some((name) => dirname(name) === path)) throw ioError("ENOTEMPTY");
      this.#name(path, null);
    });
  }

  modifiedAt(path: string): number {
    return this.#operate("modifiedAt", path, () => {
      this.#named(path);
      return 0;
    });
  }

  /** Folders right under the root are always there. */
  #isFolder(path: string): boolean {
    return dirname(path) === "/" || this.#files.has(path);
  }

  /** Does the operation, or the fault that is due: `failing` is what still happens when it fails. */
  #operate<T>(
    kind: OperationKind,
    path: string,
    whole: () => T,
    failing: (fault: FaultKind) => void = () => {},
  ): T {
    if (this.#quiet) return whole();
    if (this.#killed) throw new KilledError();
    this.trace.push({ kind, path });
    const fault = this.#dueFault(kind);
    if (fault === null) return whole();
    this.#killed = fault === "kill" || fault === "torn";
    if (!this.#killed || (fault === "torn" && kind === "append")) failing(fault);
    throw this.#killed ? new KilledError() : ioError(fault === "EIO" ? "EIO" : "ENOSPC");
  }

  #dueFault(kind: OperationKind): FaultKind | null {
    for (const fault of this.#faults) if (fault.of === null || fault.of === kind) fault.left--;
    const due = this.#faults.find(({ left }) => left === 0);
    this.#faults = this.#faults.filter(({ left }) => left > 0);
    return due?.fault ?? null;
  }

  #name(path: string, file: SimulatedFile | null): void {
    if (file === null) this.#files.delete(path);
    else this.#files.set(path, file);
    this.#unsyncedNames.set(path, [...(this.#unsyncedNames.get(path) ?? []), file]);
  }

  #open(path: string): number {
    this.#descriptors.set(this.#nextDescriptor, { path, file: this.#named(path) });
    return this.#nextDescriptor++;
  }

  #named(path: string): SimulatedFile {
    const file = this.#files.get(path);
    if (file === undefined) throw ioError("ENOENT");
    return file;
  }

  #opened(descriptor: number, kind: OperationKind): { path: string; file: SimulatedFile } {
    const found = this.#descriptors.get(descriptor);
    if (found !== undefined) return found;
    if (this.#killed) throw new KilledError();
    this.misuses.push(`${kind} of a descriptor that is not open`);
    throw ioError("EBADF");
  }
}

function ioError(code: string): Error {
  return Object.assign(new Error(`${code} (simulated)`), { code });
}
