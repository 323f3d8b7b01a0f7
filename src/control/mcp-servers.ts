// MCP servers: those of the configuration file, which only a reload changes, and those of control.db. Header values are
// sealed there, are in memory as they are, and never come out: people and the trail see their names.
import { resolve } from "node:path";
import type { Selectable } from "kysely";
import { DaybookError } from "../event/errors.ts";
import {
  completeMcpServer,
  type McpServer,
  type McpServerInput,
  type McpServerSpec,
  mcpServerSchema,
} from "../providers/mcp-server.ts";
import { refuseUnreadable } from "./certificates.ts";
import { type Actor, differing, type Values } from "./change.ts";
import type { Change, Control, Reads } from "./control.ts";
import { newId, withPatch } from "./given.ts";
import type { McpServersTables } from "./mcp-servers-tables.ts";
import type { SecretsAtRest } from "./secrets-at-rest.ts";

export interface ListedMcpServer {
  readonly server: McpServer;
  /** One that is not is never asked. */
  readonly enabled: boolean;
  /** UTC ms; null: it is not kept in control.db. */
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
}

export type NewMcpServer = McpServerInput & { readonly enabled?: boolean | undefined };

/** What is left out stays as it is; null takes it away. */
export type McpServerPatch = { readonly [Name in keyof NewMcpServer]?: NewMcpServer[Name] | null };

export interface McpServersOptions {
  readonly control: Control;
  readonly secrets: SecretsAtRest;
  /** The data folder: paths of files in control.db are relative to it. */
  readonly folder: string;
}

type Row = Selectable<McpServersTables["mcp_servers"]>;

interface Read {
  readonly given: McpServerInput;
  readonly spec: McpServerSpec;
  readonly listed: ListedMcpServer;
}

const ENTITY = "mcp_server";

export class McpServers {
  readonly #options: McpServersOptions;
  readonly #listeners = new Set<() => void>();
  #fixed: readonly McpServer[] = [];
  #kept = new Map<string, ListedMcpServer>();

  constructor(options: McpServersOptions) {
    this.#options = options;
    options.control.onChanged(ENTITY, async (reads) => {
      const rows = await reads.selectFrom("mcp_servers").selectAll().orderBy("created_at").execute();
      const kept = rows.map((row) => [row.name, this.#read(row).listed] as const);
      return () => {
        this.#kept = new Map(kept);
        this.#changed();
      };
    });
  }

  /** From now on the configuration file says this. */
  setFixed(servers: readonly McpServer[]): void {
    this.#fixed = servers;
    this.#changed();
  }

  /** Called after each change, synchronously. It may not throw. */
  onChanged(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Those of the file first; one of control.db that has the name of one of them is not there. */
  list(): readonly ListedMcpServer[] {
    const fixed = this.#fixed.map((server) => ({ server, enabled: true, createdAt: null, updatedAt: null }));
    return [...fixed, ...[...this.#kept.values()].filter(({ server }) => !this.#isFixed(server.name))];
  }

  named(name: string): ListedMcpServer | null {
    return this.list().find(({ server }) => server.name === name) ?? null;
  }

  /** What requests may take. */
  get served(): readonly McpServer[] {
    return this.list().flatMap(({ server, enabled }) => (enabled ? [server] : []));
  }

  /** Throws `bad_argument` on what it cannot be, `conflict` when the name is taken, `secret_key`. */
  async create(actor: Actor, input: NewMcpServer, justification?: string | null): Promise<ListedMcpServer> {
    const { enabled = true, ...given } = input;
    const spec = checkedSpec(given);
    const now = this.#options.control.clock();
    const row = this.#row({ id: newId("mcp"), given, spec, enabled, created_at: now, updated_at: now });
    const { listed } = this.#read(row);
    refuseUnreadable(listed.server.caFile);
    const entry = { action: "mcp_server_created", entityType: ENTITY, justification };
    await this.#options.control.change(actor, entry, async (change) => {
      await this.#refuseTaken(change, spec.name);
      await change.insertInto("mcp_servers").values(row).execute();
      return { entityId: row.id, oldValues: null, newValues: valuesOf(spec, listed) };
    });
    return listed;
  }

  /** As it is then. Throws as `create` does, and `unknown_entity`, also for those of the configuration file. */
  async update(
    actor: Actor,
    name: string,
    patch: McpServerPatch,
    justification?: string | null,
  ): Promise<ListedMcpServer> {
    const entry = { action: "mcp_server_updated", entityType: ENTITY, justification };
    let after: ListedMcpServer | null = null;
    await this.#options.control.change(actor, entry, async (change) => {
      const row = await this.#rowNamed(change, name);
      const before = this.#read(row);
      const { enabled, ...given } = withPatch<NewMcpServer>(
        { ...before.given, enabled: row.enabled === 1 },
        patch,
      );
      const spec = checkedSpec(given);
      if (spec.name !== name) await this.#refuseTaken(change, spec.name);
      refuseCarried(patch, before.spec, spec);
      const next = this.#row({
        id: row.id,
        given,
        spec,
        enabled: enabled ?? true,
        created_at: row.created_at,
        updated_at: this.#options.control.clock(),
      });
      after = this.#read(next).listed;
      refuseUnreadable(after.server.caFile);
      const headersChanged = JSON.stringify(spec.headers) !== JSON.stringify(before.spec.headers);
      const told = differing(
        { ...valuesOf(before.spec, before.listed), headers_changed: false },
        { ...valuesOf(spec, after), headers_changed: headersChanged },
      );
      if (told === null) return null;
      const { id, ...values } = next;
      await change.updateTable("mcp_servers").set(values).where("id", "=", id).execute();
      return { entityId: id, ...told };
    });
    return after ?? unknown(name);
  }

  /** Throws `unknown_entity`. */
  async delete(actor: Actor, name: string, justification?: string | null): Promise<void> {
    const entry = { action: "mcp_server_deleted", entityType: ENTITY, justification };
    await this.#options.control.change(actor, entry, async (change) => {
      const row = await this.#rowNamed(change, name);
      const { spec, listed } = this.#read(row);
      await change.deleteFrom("mcp_servers").where("id", "=", row.id).execute();
      return { entityId: row.id, oldValues: valuesOf(spec, listed), newValues: null };
    });
  }

  #row(of: {
    readonly id: string;
    readonly given: McpServerInput;
    readonly spec: McpServerSpec;
    readonly enabled: boolean;
    readonly created_at: number;
    readonly updated_at: number;
  }): Row {
    const { headers = {}, ...open } = of.given;
    return {
      id: of.id,
      name: of.spec.name,
      spec: JSON.stringify(open),
      sealed: this.#options.secrets.seal(JSON.stringify({ headers }), ownerOf(of.id)),
      enabled: of.enabled ? 1 : 0,
      created_at: of.created_at,
      updated_at: of.updated_at,
    };
  }

  #read(row: Row): Read {
    const { secrets, folder } = this.#options;
    const given = {
      ...(JSON.parse(row.spec) as McpServerInput),
      ...(JSON.parse(secrets.open(row.sealed, ownerOf(row.id))) as Pick<McpServerInput, "headers">),
    };
    const spec = mcpServerSchema.parse(given);
    const { id, enabled, created_at: createdAt, updated_at: updatedAt } = row;
    const server = completeMcpServer(spec, { id, source: "control", path: (file) => resolve(folder, file) });
    return { given, spec, listed: { server, enabled: enabled === 1, createdAt, updatedAt } };
  }

  async #rowNamed(reads: Reads, name: string): Promise<Row> {
    const row = await reads.selectFrom("mcp_servers").selectAll().where("name", "=", name).executeTakeFirst();
    return row ?? unknown(name);
  }

  async #refuseTaken(change: Change, name: string): Promise<void> {
    const taken = await change
      .selectFrom("mcp_servers")
      .select("id")
      .where("name", "=", name)
      .executeTakeFirst();
    if (taken !== undefined || this.#isFixed(name))
      throw new DaybookError("conflict", "There is an MCP server of this name already.");
  }

  #isFixed(name: string): boolean {
    return this.#fixed.some((server) => server.name === name);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function unknown(name: string): never {
  throw new DaybookError("unknown_entity", `MCP server ${JSON.stringify(name)}`);
}

function ownerOf(id: string): string {
  return `mcp_server ${id}`;
}

/** Who may change an address must not have secrets told to another host that were kept for this one. */
function refuseCarried(patch: McpServerPatch, before: McpServerSpec, next: McpServerSpec): void {
  if (new URL(before.url).origin === new URL(next.url).origin || patch.headers !== undefined) return;
  if (Object.keys(before.headers).length > 0)
    throw new DaybookError("bad_argument", "headers: must be given again, or as null, for another host.");
}

function checkedSpec(given: McpServerInput): McpServerSpec {
  const parsed = mcpServerSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new DaybookError("bad_argument", `${problems.join("; ")}.`);
}

/** What the trail says of it. */
function valuesOf({ headers, ca_file }: McpServerSpec, { server, enabled }: ListedMcpServer): Values {
  return {
    name: server.name,
    url: server.url,
    enabled,
    headers: Object.keys(headers),
    ca_file: ca_file ?? null,
    timeout_ms: server.timeoutMs,
  };
}
