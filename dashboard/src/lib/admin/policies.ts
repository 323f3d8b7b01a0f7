// Policies, MCP servers and legal holds.
import * as links from "#lib/links.ts";
import { duration } from "#lib/time.ts";
import type { Column, Resource, Row } from "./resource.ts";
import { worded } from "./values.ts";

const text = (name: string) => (row: Row) =>
  row[name] === null || row[name] === undefined ? "" : String(row[name]);

const SOURCES: Readonly<Record<string, string>> = { file: "file", control: "here", stdio: "wrapped" };
const source: Column = { title: "From", text: ({ source: from }) => SOURCES[String(from)] ?? String(from) };
const enabled: Column = {
  title: "State",
  text: ({ enabled: is }) => (is ? "on" : "off"),
  tone: ({ enabled: is }) => (is ? "good" : "idle"),
};
const isOurs = ({ source: from }: Row) => from === "control";

const TONES = { allow: "good", warn: "late", deny: "bad" } as const;

export const POLICIES: Resource = {
  title: "Policies",
  about: "What is allowed, noted or denied before anything is sent. The first that denies decides.",
  path: "/admin/policies",
  none: "There are no policies: everything is allowed that keys and limits allow.",
  keyOf: (row) => `${row.source} ${row.name}`,
  nameOf: text("name"),
  events: ({ id }) => ({ kind: "admin", entity_type: "policy", entity_id: id }),
  columns: [
    { title: "Name", text: text("name") },
    {
      title: "Effect",
      text: text("effect"),
      tone: ({ effect }) => TONES[effect as keyof typeof TONES] ?? "idle",
    },
    {
      title: "Matches",
      text: ({ match }) =>
        Object.entries(match as Record<string, unknown>)
          .map(([name, globs]) => `${name}: ${worded(globs)}`)
          .join("; ") || "everything",
    },
    { title: "When", text: text("when"), isCode: true },
    { title: "Reason", text: text("reason") },
    enabled,
    source,
  ],
  create: {
    title: "A new policy",
    verb: "New policy",
    method: "POST",
    path: "/admin/policies",
    template: "/admin/policies",
    before: { enabled: true },
  },
  changes(row) {
    if (!isOurs(row)) return [];
    const path = `/admin/policies/${String(row.id)}`;
    const template = "/admin/policies/{id}";
    const { name, match, when, effect, reason, enabled: is } = row;
    const before = { name, match, when, effect, reason, enabled: is };
    return [
      { title: `Change ${String(name)}`, verb: "Change", method: "PUT", path, template, before },
      {
        title: `Take ${String(name)} away`,
        verb: "Delete",
        method: "DELETE",
        path,
        template,
        isDanger: true,
      },
    ];
  },
};

interface Health {
  readonly state: "up" | "down" | "unknown";
  readonly last_code: string | number | null;
}
interface Usage {
  readonly calls: number;
  readonly failed: number;
  readonly p95_ms: number | null;
}
const health = ({ health: is }: Row) => is as Health | null;
const usage = ({ usage: is }: Row) => is as Usage;

export const MCP_SERVERS: Resource = {
  title: "MCP servers",
  about:
    "Servers behind the gateway, and wrapped ones that only the trail knows. Their use is of the last seven days.",
  path: "/admin/mcp/servers",
  none: "There are no MCP servers. Put one behind the gateway, or wrap one: daybook mcp wrap -- command.",
  keyOf: (row) => `${row.source} ${row.name}`,
  nameOf: text("name"),
  events: ({ name }) => ({ kind: "mcp", provider: name }),
  columns: [
    {
      title: "Name",
      text: text("name"),
      href: ({ name }) => links.explorer({ kind: "mcp", provider: name }),
    },
    { title: "Address", text: text("url"), isCode: true },
    {
      title: "Health",
      text: (row) =>
        ({ up: "up", down: `down (${health(row)?.last_code ?? "no answer"})`, unknown: "not asked yet" })[
          health(row)?.state ?? "unknown"
        ],
      tone: (row) =>
        ({ up: "good", down: "bad", unknown: "idle" })[health(row)?.state ?? "unknown"] as
          | "good"
          | "bad"
          | "idle",
    },
    { title: "Calls", text: (row) => String(usage(row).calls) },
    { title: "Failed", text: (row) => String(usage(row).failed) },
    {
      title: "95 % within",
      text: (row) => {
        const { p95_ms: ms } = usage(row);
        return ms === null ? "" : duration(ms);
      },
    },
    enabled,
    source,
  ],
  create: {
    title: "A new MCP server",
    verb: "New server",
    method: "POST",
    path: "/admin/mcp/servers",
    template: "/admin/mcp/servers",
    before: { enabled: true },
  },
  changes(row) {
    if (!isOurs(row)) return [];
    const path = `/admin/mcp/servers/${encodeURIComponent(String(row.name))}`;
    const template = "/admin/mcp/servers/{name}";
    const { name, url, ca_file, timeout_ms, enabled: is } = row;
    return [
      {
        title: `Change ${String(name)}`,
        verb: "Change",
        method: "PATCH",
        path,
        template,
        before: { name, url, ca_file, timeout_ms, enabled: is },
      },
      {
        title: `Take ${String(name)} away`,
        verb: "Delete",
        method: "DELETE",
        path,
        template,
        isDanger: true,
      },
    ];
  },
};

export const HOLDS: Resource = {
  title: "Legal holds",
  about: "Events that neither retention nor erasure may touch, now and later.",
  path: "/admin/holds",
  none: "There are no holds: events go when their retention is over.",
  keyOf: text("id"),
  nameOf: text("id"),
  events: ({ id }) => ({ kind: "admin", entity_id: id }),
  columns: [
    {
      title: "Events",
      text: ({ filter }) =>
        Object.entries((filter ?? {}) as Record<string, unknown>)
          .map(([name, values]) => `${name}: ${worded(values)}`)
          .join("; "),
      href: ({ filter }) => (filter === null ? null : links.explorer(filter as Record<string, string[]>)),
    },
    { title: "Reason", text: text("reason") },
    {
      title: "State",
      text: ({ released_at: at }) => (at ? "released" : "holds"),
      tone: ({ released_at: at }) => (at ? "idle" : "good"),
    },
    { title: "Since", text: text("created_at"), isTime: true },
    { title: "Released", text: text("released_at"), isTime: true },
  ],
  create: {
    title: "A new hold",
    verb: "New hold",
    method: "POST",
    path: "/admin/holds",
    template: "/admin/holds",
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
