// What keeps events, and what takes them away: legal holds and erasures.
import { ask } from "#lib/api.ts";
import * as links from "#lib/links.ts";
import { dateTime } from "#lib/time.ts";
import { text, time } from "./columns.ts";
import { lineOfRecord } from "./event-filters.ts";
import type { Rehearsal, Resource, Row } from "./resource.ts";
import type { Values } from "./values.ts";

const held = ({ filter }: Row) => filter as Record<string, string[]> | null;

export const HOLDS: Resource = {
  title: "Legal holds",
  about: "Events that neither retention nor erasure may touch, now and later.",
  path: "/admin/holds",
  none: "There are no holds: events go when their retention is over.",
  keyOf: text("id"),
  nameOf: (row) => lineOfRecord(held(row) ?? {}) || String(row.id),
  events: ({ id }) => ({ kind: "admin", entity_id: id }),
  columns: [
    {
      title: "Events",
      text: (row) => lineOfRecord(held(row) ?? {}),
      isCode: true,
      href: (row) => links.explorer(held(row) ?? {}),
    },
    { title: "Reason", text: text("reason") },
    {
      title: "State",
      text: ({ released_at: at }) => (at ? "released" : "holds"),
      tone: ({ released_at: at }) => (at ? "idle" : "good"),
    },
    time("Since", "created_at"),
    time("Released", "released_at"),
    { title: "Because", text: text("release_reason") },
  ],
  create: {
    title: "A new hold",
    verb: "New hold",
    method: "POST",
    path: "/admin/holds",
    template: "/admin/holds",
    isDanger: false,
    shapes: async () => ({ filter: { is: "events" } }),
    body: ({ filter, ...rest }) => ({ ...rest, filter: { q: filter } }),
  },
  changes: (row) =>
    row.released_at !== null
      ? []
      : [
          {
            title: "Release this hold",
            verb: "Release",
            method: "POST",
            path: `/admin/holds/${String(row.id)}/release`,
            template: "/admin/holds/{id}/release",
            isDanger: true,
          },
        ],
};

interface Copy {
  readonly action: string;
  readonly at: string;
  readonly event_id: string;
}
interface Plan {
  readonly events: number;
  readonly held: number;
  readonly since: string | null;
  readonly copies: readonly Copy[];
}

/** What an erasure would find, in sentences. */
async function planned({ user_id }: Values): Promise<Rehearsal> {
  const { data } = await ask<Plan>("/admin/erasures/plan", { method: "POST", body: { user_id } });
  const { events, held: kept, since, copies } = data;
  const oldest = since === null ? "" : `, the oldest of ${dateTime(Date.parse(since))}`;
  const lines = [
    { text: `${events} events would lose what is personal${oldest}. They stay, and the log still verifies.` },
    ...(kept === 0
      ? []
      : [{ text: `${kept} events are under a legal hold: release it first.`, href: links.page("/holds") }]),
    ...(copies.length === 0
      ? []
      : [{ text: "Copies were made since then, which Daybook cannot reach. See that they go too:" }]),
    ...copies.map(({ action, at, event_id: id }) => ({
      text: `${action === "backed_up" ? "a backup" : "an export"} of ${dateTime(Date.parse(at))}`,
      href: links.event(id),
    })),
  ];
  return { lines, isBlocked: kept > 0 };
}

const WAITING: Readonly<Record<string, string>> = {
  legal_hold: "a legal hold",
  store: "the store",
  journal: "the journal",
  running_requests: "requests that still run",
  another_process: "another process",
};

export const ERASURES: Resource = {
  title: "Erasures",
  about:
    "A person's fields taken out of the trail. What was recorded still verifies; none says whose it was.",
  path: "/admin/erasures",
  none: "Nobody's data was erased yet.",
  keyOf: text("id"),
  nameOf: text("id"),
  events: ({ id }) => ({ kind: "admin", entity_id: id }),
  isMoving: ({ state }) => state === "pending",
  columns: [
    {
      title: "Stands for the person",
      text: text("id"),
      isCode: true,
      href: ({ id }) => links.explorer({ user_id: id }),
    },
    {
      title: "State",
      text: ({ state, waiting_for: reason }) =>
        state === "pending" && typeof reason === "string"
          ? `waits for ${WAITING[reason] ?? reason}`
          : String(state),
      tone: ({ state, waiting_for: reason }) =>
        state === "finished" ? "good" : reason === "legal_hold" ? "bad" : "late",
    },
    { title: "Events", text: text("events") },
    { title: "Reason", text: text("reason") },
    time("Asked for", "created_at"),
    time("Finished", "finished_at"),
  ],
  create: {
    title: "Erase a person",
    verb: "Erase a person",
    method: "POST",
    path: "/admin/erasures",
    template: "/admin/erasures",
    isDanger: true,
    rehearse: planned,
    confirm: ({ user_id: person }) => String(person ?? ""),
  },
  changes: () => [],
};
