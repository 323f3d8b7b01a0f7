// Work that outlasts its request: exports, verification, erasure. Each job has a folder of its own with job.json, which
// outlives the process, and whatever the work makes. States: waiting → running → done | failed | cancelled; resume leads
// from failed and cancelled back to waiting. What a dead process left waiting or running has failed, and can be resumed.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Grant } from "../api/authorize.ts";
import type { Job, JobFacts, JobState, Jobs } from "../api/jobs.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { newEventId } from "../event/ids.ts";

/** What the work of a job is given. */
export interface JobContext {
  readonly id: string;
  /** Ends the work: it stops soon, and rejects with whatever it likes. */
  readonly signal: AbortSignal;
  /** For files that the work makes. */
  readonly folder: string;
  /** What `save` was last given, by this run or by one before; null at first. */
  readonly saved: unknown;
  /** Keeps where to go on from: JSON. It is on the disk when it resolves. */
  save(state: unknown): Promise<void>;
  progress(done: number, total: number | null): void;
}

/** A sort of work. */
export interface JobKind {
  /** Who may see and cancel it. */
  readonly grant: Grant;
  /** `input` is JSON, and is forgotten when the job is done. */
  run(input: unknown, context: JobContext): Promise<JobFacts>;
}

export interface JobBoardOptions {
  readonly folder: string;
  readonly kinds: Readonly<Record<string, JobKind>>;
  readonly now: () => number;
  /** Told of failures that are no DaybookError. */
  readonly report: (error: unknown) => void;
  /** Jobs that run at a time, that may wait, and that stay when they are over. */
  readonly limits?: { readonly running: number; readonly waiting: number; readonly kept: number };
}

/** Two read the store without starving what else reads it; fifty are what a person looks back on. */
const LIMITS = { running: 2, waiting: 20, kept: 50 };

interface Entry {
  job: Job;
  input: unknown;
  saved: unknown;
  /** The work at hand. */
  abort: AbortController | null;
  over: Promise<void>;
  /** Writes of job.json, one after the other. */
  written: Promise<void>;
}

const OVER: ReadonlySet<JobState> = new Set(["done", "failed", "cancelled"]);

export class JobBoard implements Jobs, AsyncDisposable {
  readonly #options: JobBoardOptions;
  readonly #limits: Required<JobBoardOptions>["limits"];
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  /** Use `open`. */
  private constructor(options: JobBoardOptions) {
    this.#options = options;
    this.#limits = options.limits ?? LIMITS;
  }

  /** Reads what earlier processes left. */
  static async open(options: JobBoardOptions): Promise<JobBoard> {
    const board = new JobBoard(options);
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    for (const id of (await readdir(options.folder)).sort()) await board.#recall(id);
    return board;
  }

  list(): readonly Job[] {
    return [...this.#entries.values()].map(({ job }) => job).reverse();
  }

  get(id: string): Job {
    return this.#entry(id).job;
  }

  async start(kind: string, about: JobFacts, input: unknown): Promise<Job> {
    const { grant } = this.#kind(kind);
    this.#refuseCrowd();
    const id = newEventId();
    const createdAt = this.#options.now();
    const begun = { endedAt: null, done: 0, total: null, result: null, error: null, resumable: false };
    const job: Job = { id, kind, state: "waiting", about, grant, createdAt, ...begun };
    const settled = Promise.resolve();
    const entry: Entry = { job, input, saved: null, abort: null, over: settled, written: settled };
    this.#entries.set(id, entry);
    try {
      await mkdir(join(this.#options.folder, id), { mode: 0o700 });
      await this.#write(entry);
    } catch (error) {
      this.#entries.delete(id);
      throw error;
    }
    this.#next();
    return entry.job;
  }

  async cancel(id: string): Promise<Job> {
    const entry = this.#entry(id);
    if (entry.job.state === "waiting") await this.#end(entry, { state: "cancelled" });
    entry.abort?.abort();
    await entry.over;
    return entry.job;
  }

  async resume(id: string): Promise<Job> {
    const entry = this.#entry(id);
    if (!entry.job.resumable)
      throw new DaybookError("conflict", `The job is ${entry.job.state}: nothing to resume.`);
    this.#refuseCrowd();
    entry.job = { ...entry.job, state: "waiting", endedAt: null, error: null, resumable: false };
    await this.#write(entry);
    this.#next();
    return entry.job;
  }

  async remove(id: string): Promise<void> {
    await this.cancel(id);
    const entry = this.#entry(id);
    this.#entries.delete(id);
    await entry.written;
    await rm(join(this.#options.folder, id), { recursive: true, force: true });
  }

  file(id: string, name: string): string | null {
    const path = join(this.#options.folder, this.#entry(id).job.id, name);
    return existsSync(path) ? path : null;
  }

  /** Stops what runs, to be resumed; nothing starts any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const entries = [...this.#entries.values()];
    for (const { abort } of entries) abort?.abort();
    await Promise.all(entries.map(({ over }) => over));
    await Promise.all(entries.map(({ written }) => written));
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new DaybookError("unknown_entity", "job with this id");
    return entry;
  }

  #kind(name: string): JobKind {
    const kind = this.#options.kinds[name];
    if (kind === undefined) throw new TypeError(`There are no jobs of kind ${name}.`);
    return kind;
  }

  #in(state: JobState): Entry[] {
    return [...this.#entries.values()].filter(({ job }) => job.state === state);
  }

  #refuseCrowd(): void {
    if (this.#closed) throw new DaybookError("overloaded", "and about to stop");
    if (this.#in("waiting").length >= this.#limits.waiting)
      throw new DaybookError("overloaded", `with ${this.#limits.waiting} jobs that wait`);
  }

  /** Starts what may run now. */
  #next(): void {
    if (this.#closed) return;
    const free = this.#limits.running - this.#in("running").length;
    for (const entry of this.#in("waiting").slice(0, Math.max(0, free))) {
      entry.abort = new AbortController();
      entry.job = { ...entry.job, state: "running" };
      entry.over = this.#run(entry, entry.abort.signal);
    }
  }

  async #run(entry: Entry, signal: AbortSignal): Promise<void> {
    const { id, kind } = entry.job;
    const context: JobContext = {
      id,
      signal,
      folder: join(this.#options.folder, id),
      saved: entry.saved,
      save: (state) => {
        entry.saved = state;
        return this.#write(entry);
      },
      progress: (done, total) => {
        entry.job = { ...entry.job, done, total };
      },
    };
    try {
      await setImmediate();
      await this.#write(entry);
      signal.throwIfAborted();
      const result = await this.#kind(kind).run(entry.input, context);
      entry.input = entry.saved = null;
      await this.#end(entry, { state: "done", result });
    } catch (error) {
      const state = signal.aborted && !this.#closed ? "cancelled" : "failed";
      await this.#end(entry, { state, error: state === "cancelled" ? null : this.#failure(error) });
    }
    this.#next();
  }

  #failure(error: unknown): Job["error"] {
    if (this.#closed) return STOPPED;
    if (error instanceof DaybookError) return { code: error.code, detail: error.message };
    this.#options.report(error);
    return { code: "internal_error", detail: `The job failed (${nativeCode(error)}).` };
  }

  async #end(entry: Entry, end: Pick<Job, "state"> & Partial<Job>): Promise<void> {
    entry.abort = null;
    entry.job = { ...entry.job, ...end, endedAt: this.#options.now(), resumable: end.state !== "done" };
    // Written or not, the job is over: what job.json says is put right at the next start.
    await this.#write(entry).catch(this.#options.report);
    const others = [...this.#entries.values()]
      .filter((other) => other !== entry && OVER.has(other.job.state))
      .sort((one, other) => (one.job.endedAt ?? 0) - (other.job.endedAt ?? 0));
    for (const { job } of others.slice(0, Math.max(0, others.length + 1 - this.#limits.kept)))
      await this.remove(job.id).catch(this.#options.report);
  }

  #write(entry: Entry): Promise<void> {
    const text = JSON.stringify({ job: entry.job, input: entry.input, saved: entry.saved });
    const path = join(this.#options.folder, entry.job.id, "job.json");
    const written = entry.written
      .catch(() => {})
      .then(async () => {
        await writeFile(`${path}.new`, text, { mode: 0o600, flush: true });
        await rename(`${path}.new`, path);
      });
    entry.written = written.catch(() => {});
    return written;
  }

  async #recall(id: string): Promise<void> {
    try {
      const text = await readFile(join(this.#options.folder, id, "job.json"), "utf8");
      const { job, input, saved } = JSON.parse(text) as Pick<Entry, "job" | "input" | "saved">;
      if (this.#options.kinds[job.kind] === undefined) return;
      const settled = Promise.resolve();
      const entry: Entry = { job, input, saved, abort: null, over: settled, written: settled };
      this.#entries.set(id, entry);
      if (!OVER.has(job.state)) await this.#end(entry, { state: "failed", error: STOPPED });
    } catch (error) {
      // A folder that a crash left half made, or that somebody changed: nothing to go on with.
      this.#options.report(error);
    }
  }
}

const STOPPED = { code: "interrupted", detail: "Daybook stopped meanwhile. Resume the job." };

/** Where no server runs: jobs outlast requests, and a command does not. */
export const NO_JOBS: Jobs = {
  list: () => [],
  get: noServer,
  start: async () => noServer(),
  cancel: async () => noServer(),
  resume: async () => noServer(),
  remove: async () => noServer(),
  file: noServer,
};

function noServer(): never {
  throw new DaybookError("bad_argument", "Jobs are a server's: name one with --url.");
}
