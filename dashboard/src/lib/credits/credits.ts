// Credit of users: what they were given, what they spent, and what is left.

import { text } from "#lib/admin/columns.ts";
import type { Resource, Row } from "#lib/admin/resource.ts";
import { money } from "#lib/amounts.ts";
import * as links from "#lib/links.ts";

const micros = (name: string) => (row: Row) => money(Number(row[name]));
const left = ({ balance_microcredits: balance, granted_microcredits: granted }: Row) =>
  Number(granted) > 0 ? Math.min(1, Math.max(0, Number(balance) / Number(granted))) : null;

export const CREDITS: Resource = {
  title: "Credits",
  about: "What users were given, less what their requests have cost. One credit is one US dollar.",
  path: "/admin/credits",
  none: "There are no users yet.",
  keyOf: text("user_id"),
  nameOf: text("name"),
  events: ({ user_id: id }) => ({ kind: "admin", entity_id: id, action: "credit_*" }),
  columns: [
    {
      title: "User",
      text: text("name"),
      href: ({ user_id: id }) => links.explorer({ user_id: id, kind: "inference" }),
    },
    { title: "Left", text: micros("balance_microcredits"), progress: left },
    { title: "Given", text: micros("granted_microcredits") },
    { title: "Spent", text: micros("charged_microcredits") },
    { title: "Held by running requests", text: micros("reserved_microcredits") },
    {
      title: "State",
      text: ({ enforced, balance_microcredits: balance }) =>
        !enforced ? "not held against them" : Number(balance) > 0 ? "good" : "used up",
      tone: ({ enforced, balance_microcredits: balance }) =>
        !enforced ? "idle" : Number(balance) > 0 ? "good" : "bad",
    },
  ],
  details: { title: ({ name }) => `Credit of ${String(name)}`, load: () => import("./Account.svelte") },
  changes({ user_id: id, name }) {
    const at = `/admin/users/${String(id)}/credits`;
    const template = "/admin/users/{id}/credits";
    return [
      {
        title: `Give credit to ${String(name)}`,
        verb: "Give credit",
        method: "POST",
        path: `${at}/grant`,
        template: `${template}/grant`,
        about:
          "Millionths of a dollar. From the first grant on, what the user's requests cost is held against it.",
      },
      {
        title: `Correct the credit of ${String(name)}`,
        verb: "Correct credit",
        method: "POST",
        path: `${at}/adjust`,
        template: `${template}/adjust`,
      },
    ];
  },
};
