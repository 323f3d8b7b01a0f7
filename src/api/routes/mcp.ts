// MCP servers: those of the configuration file are shown, those of control.db are made, changed and taken away; with how
// each is, what it offers, and what the trail says of its tools. Servers that only the trail knows are wrapped ones.
import * as z from "zod";
import type { ListedMcpServer, McpServerPatch } from "../../control/mcp-servers.ts";
import { DaybookError } from "../../event/errors.ts";
import { mcpServerSchema } from "../../providers/mcp-server.ts";
import type { Group } from "../../stores/store.ts";
import type { ApiParts } from "../api-parts.ts";
import { REQUEST } from "../audit.ts";
import { type Route, route } from "../route.ts";
import { JUSTIFICATION, REASON_BODY, SHOWN_TIME, shownTime } from "../values.ts";

const DAY_MS = 86_400_000;
/** Days that usage is summed over. */
const USAGE_DAYS = 7;
/** Of one question to the trail: names of tools, resources and prompts, of all servers. */
const MAX_GROUPS = 1000;

const COUNTS = {
  calls: z.number(),
  failed: z.number(),
  p95_ms: z.number().nullable().describe("Within 5 %."),
};

const SERVER = z.object({
  id: z.string().nullable(),
  source: z
    .enum(["file", "control", "stdio"])
    .describe(
      "Only those of `control` can be changed here; `stdio`: wrapped, and known from the trail alone.",
    ),
  name: z.string(),
  url: z.string().nullable(),
  headers: z.array(z.string()).describe("Their names."),
  ca_file: z.string().nullable(),
  timeout_ms: z.number().nullable(),
  enabled: z.boolean(),
  health: z
    .object({
      state: z.enum(["up", "down", "unknown"]),
      last_seen_at: SHOWN_TIME.nullable().describe("When it last answered."),
      last_code: z.union([z.string(), z.number()]).nullable(),
      failures: z.number(),
    })
    .nullable()
    .describe("null: it is not served."),
  offers: z
    .object({
      tools: z.array(z.string()),
      prompts: z.array(z.string()),
      resource_templates: z.array(z.string()),
    })
    .describe("What it has listed to clients since this process began."),
  usage: z.object({
    ...COUNTS,
    p95_ms: COUNTS.p95_ms.describe("The largest of its names. Within 5 %."),
    names: z.array(z.object({ action: z.string(), name: z.string().nullable(), ...COUNTS })),
  }),
  created_at: SHOWN_TIME.nullable(),
  updated_at: SHOWN_TIME.nullable(),
});
type Shown = z.output<typeof SERVER>;

/** The fields without their defaults, so that what is left out of a patch stays as it is. */
const PATCH: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  Object.entries(mcpServerSchema.shape).map(([name, field]) => [name, bare(field).nullish()]),
);

function bare(field: z.ZodType): z.ZodType {
  return field instanceof z.ZodDefault || field instanceof z.ZodOptional
    ? bare(field.unwrap() as z.ZodType)
    : field;
}

const ENTITY = { entityType: "mcp_server" } as const;
const ADMIN = { access: ["admin"], audit: REQUEST } as const;
const PATH = "/admin/mcp/servers";

export const MCP_ROUTES: readonly Route[] = [
  route({
    ...ADMIN,
    method: "GET",
    path: PATH,
    answers: z.array(SERVER),
    about: `All MCP servers, those of the configuration file first, with what the trail says of the last ${USAGE_DAYS} days.`,
    async answer({ parts }) {
      const usage = await usageOf(parts, null);
      const listed = parts.mcpServers.list().map((each) => shown(each, parts, usage));
      const known = new Set(listed.map(({ name }) => name));
      return [
        ...listed,
        ...[...usage.keys()].filter((name) => !known.has(name)).map((name) => wrapped(name, usage)),
      ];
    },
  }),
  route({
    ...ADMIN,
    method: "GET",
    path: `${PATH}/:name`,
    answers: SERVER,
    about: "One MCP server, or 404.",
    answer: ({ parts, params }) => one(parts, params.name ?? ""),
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: PATH,
    changes: { ...ENTITY, action: "mcp_server_created" },
    body: mcpServerSchema.extend({ enabled: z.boolean().default(true), justification: JUSTIFICATION }),
    answers: SERVER,
    status: 201,
    about: "Puts an MCP server behind the gateway, at `/mcp/<name>`.",
    async answer({ parts, actor, body: { justification, ...given } }) {
      await parts.mcpServers.create(actor, given, justification);
      return one(parts, given.name);
    },
  }),
  route({
    ...ADMIN,
    method: "PATCH",
    path: `${PATH}/:name`,
    changes: { ...ENTITY, action: "mcp_server_updated" },
    body: z.object({ ...PATCH, enabled: z.boolean().optional(), justification: JUSTIFICATION }),
    answers: SERVER,
    about: "Changes what is given; null takes it away. Requests that are running end as they began.",
    async answer({ parts, params, actor, body: { justification, ...patch } }) {
      // Its members are those of PATCH, by their schemas.
      const given = patch as McpServerPatch;
      const { server } = await parts.mcpServers.update(actor, params.name ?? "", given, justification);
      return one(parts, server.name);
    },
  }),
  route({
    ...ADMIN,
    method: "DELETE",
    path: `${PATH}/:name`,
    changes: { ...ENTITY, action: "mcp_server_deleted" },
    body: REASON_BODY,
    about: "Takes the server away, with its headers.",
    answer: async ({ parts, params, actor, body }) => {
      await parts.mcpServers.delete(actor, params.name ?? "", body.justification);
    },
  }),
];

async function one(parts: ApiParts, name: string): Promise<Shown> {
  const listed = parts.mcpServers.named(name);
  if (listed === null) throw new DaybookError("unknown_entity", "such MCP server");
  return shown(listed, parts, await usageOf(parts, name));
}

type Usage = ReadonlyMap<string, Shown["usage"]>;
const UNUSED: Shown["usage"] = { calls: 0, failed: 0, p95_ms: null, names: [] };

/** By server. */
async function usageOf({ reader, now }: ApiParts, server: string | null): Promise<Usage> {
  const where = { kind: ["mcp"], ...(server === null ? {} : { provider: [server] }) };
  const filter = { where, since: now() - USAGE_DAYS * DAY_MS };
  const [groups = []] = await reader.groups(filter, [["provider", "action", "name"]], MAX_GROUPS);
  const usage = new Map<string, Shown["usage"]>();
  for (const group of groups) {
    const name = group.values[0];
    if (typeof name === "string") usage.set(name, added(usage.get(name) ?? UNUSED, group));
  }
  return usage;
}

function added(usage: Shown["usage"], { values, requests, failed, p95Ms }: Group): Shown["usage"] {
  const [, action, name] = values;
  const counts = { calls: requests, failed, p95_ms: p95Ms };
  const named = { action: String(action), name: typeof name === "string" ? name : null, ...counts };
  const p95 = Math.max(usage.p95_ms ?? -1, p95Ms ?? -1);
  return {
    calls: usage.calls + requests,
    failed: usage.failed + failed,
    p95_ms: p95 === -1 ? null : p95,
    names: [...usage.names, named],
  };
}

function shown(
  { server, enabled, createdAt, updatedAt }: ListedMcpServer,
  { mcp }: ApiParts,
  usage: Usage,
): Shown {
  const atWork = enabled ? mcp.of(server.name) : null;
  const health = atWork?.health ?? null;
  return {
    id: server.id,
    source: server.source,
    name: server.name,
    url: server.url,
    headers: Object.keys(server.headers),
    ca_file: server.caFile,
    timeout_ms: server.timeoutMs,
    enabled,
    health:
      health === null
        ? null
        : {
            state: health.state,
            last_seen_at: shownTime(health.lastSeenAt),
            last_code: health.lastCode,
            failures: health.failures,
          },
    offers: {
      tools: [...(atWork?.offers.tools ?? [])],
      prompts: [...(atWork?.offers.prompts ?? [])],
      resource_templates: [...(atWork?.offers.templates ?? [])],
    },
    usage: usage.get(server.name) ?? UNUSED,
    created_at: shownTime(createdAt),
    updated_at: shownTime(updatedAt),
  };
}

function wrapped(name: string, usage: Usage): Shown {
  return {
    id: null,
    source: "stdio",
    name,
    url: null,
    headers: [],
    ca_file: null,
    timeout_ms: null,
    enabled: true,
    health: null,
    offers: { tools: [], prompts: [], resource_templates: [] },
    usage: usage.get(name) ?? UNUSED,
    created_at: null,
    updated_at: null,
  };
}
