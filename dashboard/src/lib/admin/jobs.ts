// Jobs: how far they are, what came of them, and what can be done with them.
import { number } from "#lib/amounts.ts";
import { ask } from "#lib/api.ts";
import type { Column, Deed, Row } from "./resource.ts";
import type { Values } from "./values.ts";

type Facts = Readonly<Record<string, string | number | boolean | null>>;

export const aboutOf = ({ about }: Row) => about as Facts;
/** Empty until it is done. */
export const resultOf = ({ result }: Row) => (result ?? {}) as Facts;
const errorOf = ({ error }: Row) => error as { readonly code: string; readonly detail: string } | null;

export const isOver = ({ state }: Row) => state !== "waiting" && state !== "running";

/** The events of its time: the job's id stands in their metadata, where nothing is looked for. */
export function duringJob(row: Row, action: string | readonly string[]): Values {
  const until =
    row.ended_at === null ? null : new Date(Date.parse(String(row.ended_at)) + 1000).toISOString();
  return { kind: "system", action, since: row.created_at, until };
}

const TONES = { done: "good", failed: "bad", running: "late" } as const;

export const STATE: Column = {
  title: "State",
  text: (row) => {
    const error = errorOf(row);
    return error === null ? String(row.state) : `${String(row.state)}: ${error.code}`;
  },
  tone: ({ state }) => TONES[state as keyof typeof TONES] ?? "idle",
};

export const PROGRESS: Column = {
  title: "Events",
  text: ({ done, total, state }) => {
    const here = number(Number(done));
    return state === "done" || total === null ? here : `${here} of ${number(Number(total))}`;
  },
  progress: (row) =>
    isOver(row) || row.total === null || Number(row.total) === 0
      ? null
      : Math.min(1, Number(row.done) / Number(row.total)),
};

export function jobDeeds(row: Row): Deed[] {
  const path = `/admin/jobs/${String(row.id)}`;
  const asked = (title: string, method: "POST" | "DELETE", to: string, text: string): Deed => ({
    title,
    grant: ["audit:read", "admin"],
    async run() {
      await ask(path + to, { method, body: {} });
      return { text };
    },
  });
  if (!isOver(row)) return [asked("Cancel", "POST", "/cancel", "It is cancelled.")];
  return [
    ...(row.resumable === true ? [asked("Go on", "POST", "/resume", "It goes on.")] : []),
    asked("Remove", "DELETE", "", "It is gone, with what it made."),
  ];
}
