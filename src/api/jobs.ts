// What the API knows of jobs: work that outlasts its request.
import type { Grant } from "./authorize.ts";

/** `waiting` for another to end; `running`; or over: `done`, `failed`, `cancelled`. */
export const JOB_STATES = ["waiting", "running", "done", "failed", "cancelled"] as const;
export type JobState = (typeof JOB_STATES)[number];

/** JSON that holds no content, no secret and nobody's personal data: it is shown to whoever may see the job. */
export type JobFacts = Readonly<Record<string, string | number | boolean | null>>;

export interface Job {
  readonly id: string;
  /** What sort of work: `export`, … */
  readonly kind: string;
  readonly state: JobState;
  /** What was asked for, as far as it may be shown. */
  readonly about: JobFacts;
  /** Who may see and cancel it. */
  readonly grant: Grant;
  /** UTC ms. */
  readonly createdAt: number;
  readonly endedAt: number | null;
  /** Of `total`, which may grow; null: nobody knows how many there will be. */
  readonly done: number;
  readonly total: number | null;
  readonly result: JobFacts | null;
  /** Why it failed: a code of the error table and its sentence. */
  readonly error: { readonly code: string; readonly detail: string } | null;
  /** Whether `resume` goes on with it. */
  readonly resumable: boolean;
}

/** Every method throws `unknown_entity` for a job that there is none of. */
export interface Jobs {
  /** Newest first. */
  list(): readonly Job[];
  get(id: string): Job;
  /** Throws `overloaded` when too many wait already. */
  start(kind: string, about: JobFacts, input: unknown): Promise<Job>;
  /** Resolves when the work has stopped; a job that is over stays as it is. */
  cancel(id: string): Promise<Job>;
  /** Goes on with a job that was cancelled, or failed, where it was. Throws `conflict` when there is nothing to go on with. */
  resume(id: string): Promise<Job>;
  /** Forgets a job, and removes what it made; cancels it first. */
  remove(id: string): Promise<void>;
  /** A file that a job has made; null when it made none of that name. */
  file(id: string, name: string): string | null;
}
