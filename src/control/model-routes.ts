// Routes that are kept in control.db, and what models cost by them.
import type { Selectable } from "kysely";
import { DaybookError } from "../event/errors.ts";
import {
  completeRoute,
  type Route,
  type RouteInput,
  type RouteSpec,
  routeSchema,
} from "../providers/route.ts";
import { type Actor, differing, type Values } from "./change.ts";
import type { Change, Control, Reads } from "./control.ts";
import { newId } from "./given.ts";
import { Kept } from "./kept.ts";
import type { ProvidersTables } from "./providers-tables.ts";

/** A route as control keeps it. */
export interface KeptRoute {
  readonly id: string;
  readonly route: Route;
  readonly enabled: boolean;
  /** UTC ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

export type NewRoute = RouteInput & { readonly enabled?: boolean | undefined };

export interface ModelRoutesOptions {
  readonly control: Control;
  /** Whether there is a provider of this name that is not in control.db. */
  readonly isFixedProvider: (name: string) => boolean;
  /** Whether the configuration file has a route for this model. */
  readonly isFixed: (model: string) => boolean;
}

type Row = Selectable<ProvidersTables["model_routes"]>;

const ENTITY = "model_route";

export class ModelRoutes {
  readonly #options: ModelRoutesOptions;
  readonly #kept: Kept<KeptRoute>;

  /** `onChanged` follows every change of what is in memory. */
  constructor(options: ModelRoutesOptions, onChanged: () => void) {
    this.#options = options;
    const read = async (reads: Reads, id: string | null) => {
      const all = reads.selectFrom("model_routes").selectAll().orderBy("created_at").orderBy("id");
      const rows = await (id === null ? all : all.where("id", "=", id)).execute();
      return rows.map((row) => [row.id, keptOf(row)] as const);
    };
    this.#kept = new Kept(options.control, { entityType: ENTITY, read, onChanged });
  }

  /** In the order in which they were made. */
  get all(): readonly KeptRoute[] {
    return this.#kept.all;
  }

  withId(id: string): KeptRoute | null {
    return this.#kept.withId(id);
  }

  /** Throws `bad_argument` on what it cannot be, `conflict` when the model has a route already. */
  async create(actor: Actor, input: NewRoute, justification?: string | null): Promise<KeptRoute> {
    const { enabled = true, ...given } = input;
    const spec = checkedSpec(given);
    const now = this.#options.control.clock();
    const row = rowOf(newId("rte"), { spec, enabled, created_at: now, updated_at: now });
    const entry = { action: "model_route_created", entityType: ENTITY, justification };
    await this.#options.control.change(actor, entry, async (change) => {
      await this.#refuseTaken(change, spec.model);
      await this.#refuseUnknown(change, spec);
      await change.insertInto("model_routes").values(row).execute();
      return { entityId: row.id, oldValues: null, newValues: valuesOf(keptOf(row)) };
    });
    return keptOf(row);
  }

  /** Puts `input` in the place of the route. Throws as `create` does, and `unknown_entity`. */
  async replace(
    actor: Actor,
    id: string,
    input: NewRoute,
    justification?: string | null,
  ): Promise<KeptRoute> {
    const { enabled, ...given } = input;
    const spec = checkedSpec(given);
    const entry = { action: "model_route_updated", entityType: ENTITY, justification };
    await this.#options.control.change(actor, entry, async (change) => {
      const row = await rowWithId(change, id);
      if (spec.model !== row.model) await this.#refuseTaken(change, spec.model);
      await this.#refuseUnknown(change, spec);
      const next = rowOf(id, {
        spec,
        enabled: enabled ?? row.enabled === 1,
        created_at: row.created_at,
        updated_at: this.#options.control.clock(),
      });
      const told = differing(valuesOf(keptOf(row)), valuesOf(keptOf(next)));
      if (told === null) return null;
      const { id: _, ...columns } = next;
      await change.updateTable("model_routes").set(columns).where("id", "=", id).execute();
      return { entityId: id, ...told };
    });
    return this.withId(id) ?? unknown(id);
  }

  /** Throws `unknown_entity`. */
  async delete(actor: Actor, id: string, justification?: string | null): Promise<void> {
    const entry = { action: "model_route_deleted", entityType: ENTITY, justification };
    await this.#options.control.change(actor, entry, async (change) => {
      const row = await rowWithId(change, id);
      await change.deleteFrom("model_routes").where("id", "=", id).execute();
      return { entityId: id, oldValues: valuesOf(keptOf(row)), newValues: null };
    });
  }

  async #refuseTaken(change: Change, model: string): Promise<void> {
    const taken = await change
      .selectFrom("model_routes")
      .select("id")
      .where("model", "=", model)
      .executeTakeFirst();
    if (taken !== undefined || this.#options.isFixed(model))
      throw new DaybookError("conflict", "There is a route for this model already.");
  }

  async #refuseUnknown(change: Change, { providers }: RouteSpec): Promise<void> {
    const rows = await change.selectFrom("providers").select("name").execute();
    const known = new Set(rows.map(({ name }) => name));
    const unknown = providers.find(
      ({ provider }) => !known.has(provider) && !this.#options.isFixedProvider(provider),
    );
    if (unknown !== undefined)
      throw new DaybookError("bad_argument", `There is no provider ${JSON.stringify(unknown.provider)}.`);
  }
}

async function rowWithId(reads: Reads, id: string): Promise<Row> {
  const row = await reads.selectFrom("model_routes").selectAll().where("id", "=", id).executeTakeFirst();
  return row ?? unknown(id);
}

function unknown(id: string): never {
  throw new DaybookError("unknown_entity", `route ${JSON.stringify(id)}`);
}

function checkedSpec(given: RouteInput): RouteSpec {
  const parsed = routeSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new DaybookError("bad_argument", `${problems.join("; ")}.`);
}

function rowOf(
  id: string,
  of: {
    readonly spec: RouteSpec;
    readonly enabled: boolean;
    readonly created_at: number;
    readonly updated_at: number;
  },
): Row {
  const { spec, enabled, created_at, updated_at } = of;
  return {
    id,
    model: spec.model,
    spec: JSON.stringify(spec),
    enabled: enabled ? 1 : 0,
    created_at,
    updated_at,
  };
}

function keptOf(row: Row): KeptRoute {
  const { id, created_at: createdAt, updated_at: updatedAt } = row;
  const spec = routeSchema.parse(JSON.parse(row.spec));
  const route = completeRoute(spec, { id, source: "control" });
  return { id, route, enabled: row.enabled === 1, createdAt, updatedAt };
}

/** What the trail says of it; prices in millionths of a USD for a million tokens. */
function valuesOf({ route, enabled }: KeptRoute): Values {
  const { model, providers, price } = route;
  return {
    model,
    providers: providers.map(({ provider, upstreamModel }) =>
      upstreamModel === null ? provider : `${provider}=${upstreamModel}`,
    ),
    enabled,
    prompt_micros: price?.promptMicros ?? null,
    cached_prompt_micros: price?.cachedPromptMicros ?? null,
    completion_micros: price?.completionMicros ?? null,
  };
}
