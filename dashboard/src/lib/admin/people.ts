// Users, API keys and tokens.
import { get } from "#lib/api.ts";
import * as links from "#lib/links.ts";
import { list, owner, text, time } from "./columns.ts";
import type { Change, Column, Resource, Row } from "./resource.ts";
import type { Values } from "./values.ts";

const usable: Column = {
  title: "State",
  text: (row) =>
    row.revoked_at
      ? "revoked"
      : row.expires_at && Date.parse(String(row.expires_at)) <= Date.now()
        ? "expired"
        : "good",
  tone: (row) =>
    row.revoked_at
      ? "bad"
      : row.expires_at && Date.parse(String(row.expires_at)) <= Date.now()
        ? "late"
        : "good",
};

function limitsOf(row: Row, at: "users" | "api-keys"): Change {
  const path = `/admin/${at}/${String(row.id)}/limits`;
  return {
    title: `Limits of ${String(row.name)}`,
    verb: "Set limits",
    method: "PUT",
    path,
    template: `/admin/${at}/{id}/limits`,
    load: async () => (await get<{ limits: Values }>(path)).limits,
  };
}

const isUsable = ({ revoked_at: at }: Row) => at === null;

export const USERS: Resource = {
  title: "Users",
  about: "People who sign in here. Keys and tokens may belong to them.",
  path: "/admin/users",
  none: "There are no users yet. Make one, so that people sign in with a password.",
  keyOf: text("id"),
  nameOf: text("name"),
  events: ({ id }) => ({ entity_id: id }),
  columns: [
    { title: "Name", text: text("name"), href: ({ id }) => links.explorer({ user_id: id }) },
    { title: "Role", text: text("role"), tone: ({ role }) => (role === "admin" ? "late" : "idle") },
    { title: "Password", text: ({ password_stored: is }) => (is ? "set" : "none") },
    {
      title: "State",
      text: ({ disabled_at: at }) => (at ? "disabled" : "active"),
      tone: ({ disabled_at: at }) => (at ? "bad" : "good"),
    },
    time("Made", "created_at"),
    { title: "Id", text: text("id"), isCode: true },
  ],
  create: {
    title: "A new user",
    verb: "New user",
    method: "POST",
    path: "/admin/users",
    template: "/admin/users",
  },
  changes(row) {
    const { id, name, role, disabled_at: disabledAt } = row;
    const at = `/admin/users/${String(id)}`;
    const about = `Change ${String(name)}`;
    return [
      {
        title: about,
        verb: "Change",
        method: "PATCH",
        path: at,
        template: "/admin/users/{id}",
        before: { name, role, disabled: disabledAt !== null },
      },
      limitsOf(row, "users"),
      {
        title: `Delete ${String(name)}`,
        verb: "Delete",
        method: "DELETE",
        path: at,
        template: "/admin/users/{id}",
        isDanger: true,
      },
    ];
  },
};

export const KEYS: Resource = {
  title: "API keys",
  about: "What clients present to ask models. A key's secret is shown once.",
  path: "/admin/api-keys",
  none: "There are no keys. Make one for each client, so that the trail tells them apart.",
  keyOf: text("id"),
  nameOf: text("name"),
  events: ({ id }) => ({ entity_id: id }),
  details: { title: ({ name }) => `Key ${String(name)}`, load: () => import("./KeyDetails.svelte") },
  columns: [
    { title: "Name", text: text("name"), href: ({ id }) => links.explorer({ api_key_id: id }) },
    { title: "Begins with", text: text("prefix"), isCode: true },
    owner,
    { title: "Models", text: list("models", "every model") },
    usable,
    time("Made", "created_at"),
    time("Until", "expires_at"),
    { title: "Id", text: text("id"), isCode: true },
  ],
  create: {
    title: "A new API key",
    verb: "New key",
    method: "POST",
    path: "/admin/api-keys",
    template: "/admin/api-keys",
  },
  changes(row) {
    if (!isUsable(row)) return [];
    const at = `/admin/api-keys/${String(row.id)}`;
    return [
      limitsOf(row, "api-keys"),
      {
        title: `Another secret for ${String(row.name)}`,
        verb: "Rotate",
        method: "POST",
        path: `${at}/rotate`,
        template: "/admin/api-keys/{id}/rotate",
        before: { overlap_seconds: 86_400 },
      },
      {
        title: `Revoke ${String(row.name)}`,
        verb: "Revoke",
        method: "DELETE",
        path: at,
        template: "/admin/api-keys/{id}",
        isDanger: true,
      },
    ];
  },
};

export const TOKENS: Resource = {
  title: "Tokens",
  about: "What programs present to Daybook's own API. A token's secret is shown once.",
  path: "/admin/tokens",
  none: "There are no tokens.",
  keyOf: text("id"),
  nameOf: text("name"),
  events: ({ id }) => ({ entity_id: id }),
  columns: [
    { title: "Name", text: text("name"), href: ({ id }) => links.explorer({ api_key_id: id }) },
    { title: "Begins with", text: text("prefix"), isCode: true },
    { title: "Role", text: text("role"), tone: ({ role }) => (role === "admin" ? "late" : "idle") },
    { title: "Scopes", text: list("scopes", "all of its role") },
    owner,
    usable,
    time("Made", "created_at"),
    time("Until", "expires_at"),
    { title: "Id", text: text("id"), isCode: true },
  ],
  create: {
    title: "A new token",
    verb: "New token",
    method: "POST",
    path: "/admin/tokens",
    template: "/admin/tokens",
  },
  changes(row) {
    if (!isUsable(row)) return [];
    return [
      {
        title: `Revoke ${String(row.name)}`,
        verb: "Revoke",
        method: "DELETE",
        path: `/admin/tokens/${String(row.id)}`,
        template: "/admin/tokens/{id}",
        isDanger: true,
      },
    ];
  },
};
