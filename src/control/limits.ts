// Limits of single keys and users, kept beside the defaults of the configuration.
import { DaybookError } from "../event/errors.ts";
import { LIMIT_NAMES, type OwnLimits, SUBJECT_TYPES, type SubjectType } from "../limits/limits.ts";
import { type Actor, differing, type Values } from "./change.ts";
import type { Change, Control, Reads } from "./control.ts";
import { userNamed } from "./users.ts";

/** Told the limits that a subject has of its own; null: none. */
export type LimitsFollower = (type: SubjectType, id: string, own: OwnLimits | null) => void;

export class SubjectLimits {
  readonly #control: Control;
  readonly #held = { api_key: new Map<string, OwnLimits>(), user: new Map<string, OwnLimits>() };
  #follower: LimitsFollower = () => {};

  constructor(control: Control) {
    this.#control = control;
    for (const type of SUBJECT_TYPES) {
      control.onChanged(type, async (reads, id) => {
        const found = await ownLimits(reads, type, id);
        return () => this.#hold(type, id, found);
      });
    }
  }

  /** Tells of every subject with limits of its own, now and after each change. */
  follow(follower: LimitsFollower): void {
    this.#follower = follower;
    for (const type of SUBJECT_TYPES) for (const [id, own] of this.#held[type]) follower(type, id, own);
  }

  /** What a subject has of its own; a user by id or name. Throws `unknown_entity`. */
  async own(type: SubjectType, subject: string): Promise<{ readonly id: string; readonly own: OwnLimits }> {
    const { reads } = this.#control;
    const id = await subjectNamed(reads, type, subject);
    return { id, own: (await ownLimits(reads, type, id)).get(id) ?? {} };
  }

  /** Puts `own` in place of what the subject had; an empty one takes all away. Throws `unknown_entity`. */
  async set(
    actor: Actor,
    type: SubjectType,
    subject: string,
    own: OwnLimits,
    justification?: string | null,
  ): Promise<string> {
    const settings = Object.fromEntries(
      LIMIT_NAMES.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]]])),
    ) as OwnLimits;
    const isNone = Object.keys(settings).length === 0;
    const found = { id: subject };
    await this.#control.change(
      actor,
      { action: isNone ? "limits_removed" : "limits_set", entityType: type, justification },
      async (change) => {
        found.id = await subjectNamed(change, type, subject);
        const before = (await ownLimits(change, type, found.id)).get(found.id) ?? {};
        const told = differing(valuesOf(before, settings), valuesOf(settings, before));
        if (told === null) return null;
        if (isNone) await remove(change, type, found.id);
        else await put(change, type, found.id, settings);
        return { entityId: found.id, ...told };
      },
    );
    return found.id;
  }

  #hold(type: SubjectType, id: string | null, found: ReadonlyMap<string, OwnLimits>): void {
    const held = this.#held[type];
    for (const known of id === null ? [...held.keys()] : [id]) {
      if (found.has(known)) continue;
      held.delete(known);
      this.#follower(type, known, null);
    }
    for (const [subject, own] of found) {
      held.set(subject, own);
      this.#follower(type, subject, own);
    }
  }
}

/** `limits` for the trail; `default` stands for what is not set, where `other` sets it. */
function valuesOf(limits: OwnLimits, other: OwnLimits): Values {
  const names = LIMIT_NAMES.filter((name) => limits[name] !== undefined || other[name] !== undefined);
  return Object.fromEntries(
    names.map((name) => {
      const value = limits[name];
      return [name, value === undefined ? "default" : (value ?? "none")];
    }),
  );
}

async function ownLimits(
  reads: Reads,
  type: SubjectType,
  id: string | null,
): Promise<Map<string, OwnLimits>> {
  const all = reads.selectFrom("limits").selectAll().where("subject_type", "=", type);
  const rows = await (id === null ? all : all.where("subject_id", "=", id)).execute();
  return new Map(rows.map(({ subject_id, settings }) => [subject_id, JSON.parse(settings) as OwnLimits]));
}

async function subjectNamed(reads: Reads, type: SubjectType, subject: string): Promise<string> {
  if (type === "user") return (await userNamed(reads, subject)).id;
  const key = await reads.selectFrom("api_keys").select("id").where("id", "=", subject).executeTakeFirst();
  if (key === undefined) throw new DaybookError("unknown_entity", "such API key");
  return key.id;
}

async function put(change: Change, type: SubjectType, id: string, own: OwnLimits): Promise<void> {
  const settings = JSON.stringify(own);
  await change
    .insertInto("limits")
    .values({ subject_type: type, subject_id: id, settings })
    .onConflict((conflict) => conflict.columns(["subject_type", "subject_id"]).doUpdateSet({ settings }))
    .execute();
}

async function remove(change: Change, type: SubjectType, id: string): Promise<void> {
  await change.deleteFrom("limits").where("subject_type", "=", type).where("subject_id", "=", id).execute();
}
