// Providers that are kept in control.db. Their secrets (key and header values) are sealed there, are in memory as
// they are, and never come out: people and the trail see flags and names.
import type { Selectable } from "kysely";
import { DaybookError } from "../event/errors.ts";
import {
  completeProvider,
  type Provider,
  type ProviderInput,
  type ProviderSpec,
  providerProblems,
  providerSchema,
} from "../providers/provider.ts";
import { refuseUnreadable } from "./certificates.ts";
import { type Actor, differing, type Values } from "./change.ts";
import type { Change, Control, Reads } from "./control.ts";
import { newId, withPatch } from "./given.ts";
import { Kept } from "./kept.ts";
import type { ProvidersTables } from "./providers-tables.ts";
import type { SecretsAtRest } from "./secrets-at-rest.ts";

/** A provider as control keeps it. */
export interface KeptProvider {
  readonly id: string;
  readonly provider: Provider;
  /** One that is not is never asked. */
  readonly enabled: boolean;
  /** UTC ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

export type NewProvider = ProviderInput & { readonly enabled?: boolean | undefined };

/** What is left out stays as it is; null takes it away. */
export type ProviderPatch = { readonly [Name in keyof NewProvider]?: NewProvider[Name] | null };

export interface ProvidersOptions {
  readonly control: Control;
  readonly secrets: SecretsAtRest;
  /** The folder that the paths of files are relative to. */
  readonly path: (file: string) => string;
  /** Whether the configuration file has a provider of this name. */
  readonly isFixed: (name: string) => boolean;
}

type Row = Selectable<ProvidersTables["providers"]>;

interface Read {
  readonly given: ProviderInput;
  readonly spec: ProviderSpec;
  readonly kept: KeptProvider;
}

const ENTITY = "provider_connection";
/** What a patch may give in part. */
const MERGED = ["timeouts_ms", "retries", "breaker"] as const;

export class Providers {
  readonly #options: ProvidersOptions;
  readonly #kept: Kept<KeptProvider>;

  /** `onChanged` follows every change of what is in memory. */
  constructor(options: ProvidersOptions, onChanged: () => void) {
    this.#options = options;
    const read = async (reads: Reads, id: string | null) => {
      const all = reads.selectFrom("providers").selectAll().orderBy("created_at").orderBy("id");
      const rows = await (id === null ? all : all.where("id", "=", id)).execute();
      return rows.map((row) => [row.id, this.#read(row).kept] as const);
    };
    this.#kept = new Kept(options.control, { entityType: ENTITY, read, onChanged });
  }

  /** In the order in which they were made. */
  get all(): readonly KeptProvider[] {
    return this.#kept.all;
  }

  named(name: string): KeptProvider | null {
    return this.all.find(({ provider }) => provider.name === name) ?? null;
  }

  /**
   * Throws `bad_argument` on what it cannot be, `conflict` when the name is taken, `secret_key`. `also` is done in
   * the same transaction.
   */
  async create(
    actor: Actor,
    input: NewProvider,
    justification?: string | null,
    also: (change: Change) => Promise<void> = async () => {},
  ): Promise<KeptProvider> {
    const { enabled = true, ...given } = input;
    const spec = checkedSpec(given);
    const now = this.#options.control.clock();
    const id = newId("prv");
    const row = this.#row({ id, given, spec, enabled, created_at: now, updated_at: now });
    const { kept } = this.#read(row);
    refuseUnreadable(kept.provider.caFile);
    const entry = { action: "provider_connection_created", entityType: ENTITY, justification };
    await this.#options.control.change(actor, entry, async (change) => {
      await this.#refuseTaken(change, spec.name);
      await change.insertInto("providers").values(row).execute();
      await also(change);
      return { entityId: id, oldValues: null, newValues: valuesOf(spec, kept) };
    });
    return kept;
  }

  /** As it is then. Throws as `create` does, and `unknown_entity`, also for those of the configuration file. */
  async update(
    actor: Actor,
    name: string,
    patch: ProviderPatch,
    justification?: string | null,
  ): Promise<KeptProvider> {
    const entry = { action: "provider_connection_updated", entityType: ENTITY, justification };
    let after: KeptProvider | null = null;
    await this.#options.control.change(actor, entry, async (change) => {
      const row = await this.#rowNamed(change, name);
      const before = this.#read(row);
      const { enabled, ...given } = withPatch<NewProvider>(
        { ...before.given, enabled: row.enabled === 1 },
        patch,
        MERGED,
      );
      const spec = checkedSpec(given);
      if (spec.name !== name) await this.#refuseRenaming(change, name, spec.name);
      const { id, created_at } = row;
      const updated = { given, spec, enabled: enabled ?? true, updated_at: this.#options.control.clock() };
      const next = this.#row({ id, created_at, ...updated });
      after = this.#read(next).kept;
      refuseCarried(patch, before, after.provider);
      refuseUnreadable(after.provider.caFile);
      const told = differing(
        { ...valuesOf(before.spec, before.kept), api_key_changed: false, headers_changed: false },
        {
          ...valuesOf(spec, after),
          api_key_changed: spec.api_key !== before.spec.api_key,
          headers_changed: JSON.stringify(spec.headers) !== JSON.stringify(before.spec.headers),
        },
      );
      if (told === null) return null;
      const { id: _, ...columns } = next;
      await change.updateTable("providers").set(columns).where("id", "=", id).execute();
      return { entityId: id, ...told };
    });
    return after ?? this.named(name) ?? unknown(name);
  }

  /** Throws `conflict` while a route names it, and `unknown_entity`. */
  async delete(actor: Actor, name: string, justification?: string | null): Promise<void> {
    const entry = { action: "provider_connection_deleted", entityType: ENTITY, justification };
    await this.#options.control.change(actor, entry, async (change) => {
      const row = await this.#rowNamed(change, name);
      await refuseUsed(change, name);
      const { spec, kept } = this.#read(row);
      await change.deleteFrom("providers").where("id", "=", row.id).execute();
      await change.deleteFrom("provider_models").where("provider", "=", name).execute();
      return { entityId: row.id, oldValues: valuesOf(spec, kept), newValues: null };
    });
  }

  #row(of: {
    readonly id: string;
    readonly given: ProviderInput;
    readonly spec: ProviderSpec;
    readonly enabled: boolean;
    readonly created_at: number;
    readonly updated_at: number;
  }): Row {
    const { api_key, headers = {}, ...open } = of.given;
    return {
      id: of.id,
      name: of.spec.name,
      spec: JSON.stringify(open),
      sealed: this.#options.secrets.seal(JSON.stringify({ api_key, headers }), ownerOf(of.id)),
      enabled: of.enabled ? 1 : 0,
      created_at: of.created_at,
      updated_at: of.updated_at,
    };
  }

  #read(row: Row): Read {
    const { secrets, path } = this.#options;
    const given = {
      ...(JSON.parse(row.spec) as ProviderInput),
      ...(JSON.parse(secrets.open(row.sealed, ownerOf(row.id))) as Pick<
        ProviderInput,
        "api_key" | "headers"
      >),
    };
    const spec = providerSchema.parse(given);
    const provider = completeProvider(spec, { id: row.id, source: "control", path });
    const { id, created_at: createdAt, updated_at: updatedAt } = row;
    return { given, spec, kept: { id, provider, enabled: row.enabled === 1, createdAt, updatedAt } };
  }

  async #rowNamed(reads: Reads, name: string): Promise<Row> {
    const row = await reads.selectFrom("providers").selectAll().where("name", "=", name).executeTakeFirst();
    return row ?? unknown(name);
  }

  async #refuseTaken(change: Change, name: string): Promise<void> {
    const taken = await change
      .selectFrom("providers")
      .select("id")
      .where("name", "=", name)
      .executeTakeFirst();
    if (taken !== undefined || this.#options.isFixed(name))
      throw new DaybookError("conflict", "There is a provider of this name already.");
  }

  async #refuseRenaming(change: Change, name: string, next: string): Promise<void> {
    await this.#refuseTaken(change, next);
    await refuseUsed(change, name);
  }
}

/** Routes name providers: none may lose one unseen. */
async function refuseUsed(change: Change, name: string): Promise<void> {
  const rows = await change.selectFrom("model_routes").select(["model", "spec"]).execute();
  const users = rows.filter(({ spec }) =>
    (JSON.parse(spec) as { providers: { provider: string }[] }).providers.some(
      ({ provider }) => provider === name,
    ),
  );
  if (users.length === 0) return;
  const models = users.slice(0, 5).map(({ model }) => model);
  throw new DaybookError(
    "conflict",
    `The provider ${name} serves the routes ${models.join(", ")}: change them first.`,
  );
}

function unknown(name: string): never {
  throw new DaybookError("unknown_entity", `provider ${JSON.stringify(name)}`);
}

function ownerOf(id: string): string {
  return `provider ${id}`;
}

/**
 * Throws `bad_argument` when `next` would send elsewhere what is kept for another host: who may change an address
 * could have the secrets told to them.
 */
function refuseCarried(patch: ProviderPatch, { spec, kept }: Read, next: Provider): void {
  if (originOf(kept.provider) === originOf(next)) return;
  const carried = [
    ...(spec.api_key !== undefined && patch.api_key === undefined ? ["api_key"] : []),
    ...(Object.keys(spec.headers).length > 0 && patch.headers === undefined ? ["headers"] : []),
  ];
  if (carried.length === 0) return;
  const names = carried.join(" and ");
  throw new DaybookError("bad_argument", `${names}: must be given again, or as null, for another host.`);
}

function originOf({ baseUrl }: Provider): string | null {
  return baseUrl === null ? null : new URL(baseUrl).origin;
}

/** `given` checked. The one place where a provider of control.db is. Throws `bad_argument`, never with a value. */
function checkedSpec(given: ProviderInput): ProviderSpec {
  const parsed = providerSchema.safeParse(given);
  const problems = parsed.success
    ? providerProblems(parsed.data).map(({ option, sentence }) => `${option}: ${sentence}`)
    : parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  if (parsed.success && problems.length === 0) return parsed.data;
  throw new DaybookError("bad_argument", `${problems.join("; ")}.`);
}

/** What the trail says of it. */
function valuesOf({ headers, ...spec }: ProviderSpec, { provider, enabled }: KeptProvider): Values {
  return {
    name: provider.name,
    backend_type: provider.backendType,
    protocols: provider.protocols,
    base_url: provider.baseUrl,
    enabled,
    api_key_stored: provider.apiKey !== null,
    headers: Object.keys(headers),
    api_version: provider.apiVersion,
    ca_file: spec.ca_file ?? null,
    ask_usage: provider.askUsage,
    pass_through: provider.passThrough,
    "timeouts_ms.chat": provider.timeoutsMs.chat,
    "timeouts_ms.completions": provider.timeoutsMs.completions,
    "timeouts_ms.embeddings": provider.timeoutsMs.embeddings,
    "retries.max": provider.retry.max,
    "retries.wait_ms": provider.retry.waitMs,
    "breaker.failures": provider.breaker.failures,
    "breaker.rest_ms": provider.breaker.restMs,
    // A thousand names would not fit the event.
    models: provider.models.length,
  };
}
