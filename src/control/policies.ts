// Policies: those of the configuration file, which only a reload changes, and those that are kept in control.db. The
// file's come first, and hide others of the same name. What requests are asked against is in memory.
import type { Selectable } from "kysely";
import { DaybookError } from "../event/errors.ts";
import { isWordIn } from "../event/naming.ts";
import { policyProblem } from "../policy/check.ts";
import { Conditions } from "../policy/conditions.ts";
import {
  completePolicy,
  type Policy,
  type PolicyInput,
  type PolicySpec,
  policySchema,
  specOf,
} from "../policy/policy.ts";
import { PolicySet } from "../policy/policy-set.ts";
import { type Actor, differing, type Values } from "./change.ts";
import type { Change, Control, Reads } from "./control.ts";
import { newId } from "./given.ts";
import { Kept } from "./kept.ts";
import type { PolicyTables } from "./policy-tables.ts";

export interface ListedPolicy {
  readonly policy: Policy;
  readonly enabled: boolean;
  /** UTC ms; null: it is not kept in control.db. */
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
}

export type NewPolicy = PolicyInput & { readonly enabled?: boolean | undefined };

type Row = Selectable<PolicyTables["policies"]>;

const ENTITY = "policy";

export class Policies {
  /** Compiled once for all who ask. */
  readonly conditions = new Conditions();
  readonly #control: Control;
  #fixed: readonly Policy[] = [];
  readonly #kept: Kept<ListedPolicy>;
  #current = new PolicySet([]);

  constructor(control: Control) {
    this.#control = control;
    const read = async (reads: Reads, id: string | null) => {
      const all = reads.selectFrom("policies").selectAll().orderBy("created_at").orderBy("id");
      const rows = await (id === null ? all : all.where("id", "=", id)).execute();
      return rows.map((row) => [row.id, keptOf(row)] as const);
    };
    this.#kept = new Kept(control, { entityType: ENTITY, read, onChanged: () => this.#show() });
  }

  /** What is asked before a request goes on. */
  get current(): PolicySet {
    return this.#current;
  }

  /** Those that are asked, in order. */
  get inForce(): readonly Policy[] {
    return this.list().flatMap(({ policy, enabled }) => (enabled ? [policy] : []));
  }

  /** From now on the configuration file says this. */
  setFixed({ policies }: { readonly policies: readonly Policy[] }): void {
    this.#fixed = policies;
    this.#show();
  }

  /** In their order. */
  list(): readonly ListedPolicy[] {
    const own = this.#kept.all.filter(({ policy }) => !this.#isFixed(policy.name));
    return [
      ...this.#fixed.map((policy) => ({ policy, enabled: true, createdAt: null, updatedAt: null })),
      ...own,
    ];
  }

  /** That of control.db with this id, or else of this name. */
  find(idOrName: string): ListedPolicy | null {
    const named = () => this.#kept.all.find(({ policy }) => policy.name === idOrName);
    return this.#kept.withId(idOrName) ?? named() ?? null;
  }

  /** Names of all, in force or not, whose text has this id as a word. */
  naming(userId: string): string[] {
    const all = [...this.#fixed, ...this.#kept.all.map(({ policy }) => policy)];
    return all
      .filter(({ name, when, reason, match }) =>
        [name, when, reason, ...(match.user ?? [])].some((text) => isWordIn(text ?? "", userId)),
      )
      .map(({ name }) => name);
  }

  /** A policy of `input`. Throws `bad_argument` on what it cannot be. */
  checked(input: PolicyInput): Policy {
    const parsed = policySchema.safeParse(input);
    if (!parsed.success) {
      const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
      throw new DaybookError("bad_argument", `${problems.join("; ")}.`);
    }
    const policy = completePolicy(parsed.data, { id: null, source: "control" });
    const problem = policyProblem(policy, this.conditions);
    if (problem !== null) throw new DaybookError("bad_argument", `${problem.option}: ${problem.sentence}.`);
    return policy;
  }

  /** A set with `proposed` in the place of those of the same names, and after the others; or of them alone. */
  with(proposed: readonly Policy[], only = false): PolicySet {
    const named = new Map(proposed.map((policy) => [policy.name, policy]));
    const all = only ? [] : this.inForce.map((policy) => named.get(policy.name) ?? policy);
    const added = [...named.values()].filter((policy) => !all.includes(policy));
    return new PolicySet([...all, ...added], this.conditions);
  }

  /** Throws `bad_argument` on what it cannot be, `conflict` when the name is taken. */
  async create(actor: Actor, input: NewPolicy, justification?: string | null): Promise<ListedPolicy> {
    const { enabled = true, ...given } = input;
    const spec = specOf(this.checked(given));
    const now = this.#control.clock();
    const row = rowOf(newId("pol"), { spec, enabled, created_at: now, updated_at: now });
    const entry = { action: "policy_created", entityType: ENTITY, justification };
    await this.#control.change(actor, entry, async (change) => {
      await this.#refuseTaken(change, spec.name);
      await change.insertInto("policies").values(row).execute();
      return { entityId: row.id, oldValues: null, newValues: valuesOf(keptOf(row)) };
    });
    return keptOf(row);
  }

  /** Puts `input` in the place of the policy. Throws as `create` does, and `unknown_entity`. */
  async replace(
    actor: Actor,
    idOrName: string,
    input: NewPolicy,
    justification?: string | null,
  ): Promise<ListedPolicy> {
    const { enabled, ...given } = input;
    const spec = specOf(this.checked(given));
    const entry = { action: "policy_updated", entityType: ENTITY, justification };
    let id = idOrName;
    await this.#control.change(actor, entry, async (change) => {
      const row = await rowOfPolicy(change, idOrName);
      id = row.id;
      if (spec.name !== row.name) await this.#refuseTaken(change, spec.name);
      const next = rowOf(id, {
        spec,
        enabled: enabled ?? row.enabled === 1,
        created_at: row.created_at,
        updated_at: this.#control.clock(),
      });
      const told = differing(valuesOf(keptOf(row)), valuesOf(keptOf(next)));
      if (told === null) return null;
      const { id: _, ...columns } = next;
      await change.updateTable("policies").set(columns).where("id", "=", id).execute();
      return { entityId: id, ...told };
    });
    return this.find(id) ?? unknown(id);
  }

  /** Throws `unknown_entity`. */
  async delete(actor: Actor, idOrName: string, justification?: string | null): Promise<void> {
    const entry = { action: "policy_deleted", entityType: ENTITY, justification };
    await this.#control.change(actor, entry, async (change) => {
      const row = await rowOfPolicy(change, idOrName);
      await change.deleteFrom("policies").where("id", "=", row.id).execute();
      return { entityId: row.id, oldValues: valuesOf(keptOf(row)), newValues: null };
    });
  }

  async #refuseTaken(change: Change, name: string): Promise<void> {
    const taken = await change
      .selectFrom("policies")
      .select("id")
      .where("name", "=", name)
      .executeTakeFirst();
    if (taken !== undefined || this.#isFixed(name))
      throw new DaybookError("conflict", "There is a policy of this name already.");
  }

  #isFixed(name: string): boolean {
    return this.#fixed.some((policy) => policy.name === name);
  }

  #show(): void {
    const { inForce } = this;
    this.conditions.keep(inForce.flatMap(({ when }) => (when === null ? [] : [when])));
    this.#current = new PolicySet(inForce, this.conditions);
  }
}

async function rowOfPolicy(reads: Reads, idOrName: string): Promise<Row> {
  const all = reads.selectFrom("policies").selectAll();
  const row = await all.where("id", "=", idOrName).executeTakeFirst();
  return row ?? (await all.where("name", "=", idOrName).executeTakeFirst()) ?? unknown(idOrName);
}

function unknown(id: string): never {
  throw new DaybookError("unknown_entity", `policy ${JSON.stringify(id)}`);
}

function rowOf(
  id: string,
  of: {
    readonly spec: PolicySpec;
    readonly enabled: boolean;
    readonly created_at: number;
    readonly updated_at: number;
  },
): Row {
  const { spec, enabled, created_at, updated_at } = of;
  const { name } = spec;
  return { id, name, spec: JSON.stringify(spec), enabled: enabled ? 1 : 0, created_at, updated_at };
}

function keptOf({ id, spec, enabled, created_at: createdAt, updated_at: updatedAt }: Row): ListedPolicy {
  const policy = completePolicy(policySchema.parse(JSON.parse(spec)), { id, source: "control" });
  return { policy, enabled: enabled === 1, createdAt, updatedAt };
}

/** What the trail says of it. */
function valuesOf({ policy, enabled }: ListedPolicy): Values {
  const { name, match, when, effect, reason } = policy;
  const matched = Object.entries(match).map(([dimension, globs]) => [`match.${dimension}`, globs] as const);
  return { name, ...Object.fromEntries(matched), when, effect, reason, enabled };
}
