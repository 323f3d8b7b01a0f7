// Policies and MCP servers.

import * as links from "#lib/links.ts";
import { refusalOf, rehearsal, rehearsalWithout } from "#lib/policies/dry-run.ts";
import { duration } from "#lib/time.ts";
import { enabled, isOurs, source, text } from "./columns.ts";
import type { Change, Resource, Row } from "./resource.ts";
import { worded } from "./values.ts";

const TONES = { allow: "good", warn: "late", deny: "bad" } as const;

/** Of a form that makes a policy, or changes the one that `was`. */
const tried = (was?: string): Pick<Change, "shapes" | "check" | "rehearse"> => ({
  shapes: async () => ({ when: { is: "long" } }),
  check: refusalOf,
  rehearse: (policy) => rehearsal(policy, was),
});

export const POLICIES: Resource = {
  title: "Policies",
  about: "What is allowed, noted or denied before anything is sent. The first that denies decides.",
  path: "/admin/policies",
  none: "There are no policies: everything is allowed that keys and limits allow.",
  keyOf: (row) => `${row.source} ${row.name}`,
  nameOf: text("name"),
  events: ({ id }) => ({ kind: "admin", entity_type: "policy", entity_id: id }),
  details: {
    title: ({ name }) => `Policy ${String(name)}`,
    load: () => import("#lib/policies/PolicyDetails.svelte"),
  },
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
    ...tried(),
  },
  changes(row) {
    if (!isOurs(row)) return [];
    const path = `/admin/policies/${String(row.id)}`;
    const template = "/admin/policies/{id}";
    const { name, match, when, effect, reason, enabled: is } = row;
    const before = { name, match, when, effect, reason, enabled: is };
    return [
      {
        title: `Change ${String(name)}`,
        verb: "Change",
        method: "PUT",
        path,
        template,
        before,
        ...tried(String(name)),
      },
      {
        title: `Take ${String(name)} away`,
        verb: "Delete",
        method: "DELETE",
        path,
        template,
        isDanger: true,
        rehearse: () => rehearsalWithout(String(name)),
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
  details: { title: ({ name }) => `MCP server ${String(name)}`, load: () => import("./McpDetails.svelte") },
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
    {
      title: "Tools",
      text: ({ offers }) => String((offers as { tools: readonly string[] }).tools.length || ""),
    },
    {
      title: "Calls",
      text: (row) => String(usage(row).calls),
      href: ({ name }) => links.explorer({ kind: "mcp", provider: name, since: "7d" }),
    },
    {
      title: "Failed",
      text: (row) => String(usage(row).failed),
      href: ({ name }) => links.explorer({ kind: "mcp", provider: name, since: "7d", "status!": "success" }),
    },
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
