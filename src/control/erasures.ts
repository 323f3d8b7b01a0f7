// Erasures: whose data is to go, until it is gone; then only that something was erased, and when.
//
//   requested: the user and what is theirs are gone from control ──carried out (server/erasing.ts)──► finished
import type { Selectable } from "kysely";
import type { Charges } from "../event/charges.ts";
import { DaybookError } from "../event/errors.ts";
import { writtenForms } from "../event/naming.ts";
import type { Actor } from "./change.ts";
import type { Control } from "./control.ts";
import type { EvidenceTables } from "./evidence-tables.ts";
import { line, newId } from "./given.ts";
import { forgetPerson, NAMING_ENTITIES } from "./named-persons.ts";
import { type Page, pageOf } from "./pages.ts";

export interface Erasure {
  readonly id: string;
  /** null: it is finished. */
  readonly subject: string | null;
  readonly reason: string | null;
  /** UTC ms. */
  readonly createdAt: number;
  readonly since: number | null;
  readonly finishedAt: number | null;
  readonly events: number;
  readonly waitingFor: string | null;
}

/** Who somebody is to control and to the trail. */
export interface Person {
  readonly id: string;
  /** Of a user that control knows. */
  readonly name: string | null;
}

type Row = Selectable<EvidenceTables["erasures"]>;

const ENTITY = "erasure";
/** Who finishes what somebody else has asked for. */
const DAYBOOK: Actor = { caller: "system" };

export class Erasures {
  readonly #control: Control;
  #pending: readonly Erasure[] = [];
  #follower: () => void = () => {};

  constructor(control: Control) {
    this.#control = control;
    control.onChanged(ENTITY, async (reads) => {
      const rows = await reads
        .selectFrom("erasures")
        .selectAll()
        .where("finished_at", "is", null)
        .orderBy("created_at")
        .execute();
      return () => {
        this.#pending = rows.map(erasureOf);
        this.#follower();
      };
    });
  }

  /** From memory: those that are not finished, oldest first. */
  get pending(): readonly Erasure[] {
    return this.#pending;
  }

  /** Told when one is requested or finished, here or by another process. */
  follow(follower: () => void): void {
    this.#follower = follower;
  }

  /** A user by id or name; anybody else by the id that events have. */
  async person(idOrName: string): Promise<Person> {
    const { reads } = this.#control;
    const rows = await reads
      .selectFrom("users")
      .select(["id", "name"])
      .where(({ eb, or }) => or([eb("id", "=", idOrName), eb("name", "=", idOrName)]))
      .orderBy(({ eb }) => eb("id", "=", idOrName), "desc")
      .execute();
    return rows[0] ?? { id: line("user_id", idOrName, 255), name: null };
  }

  /**
   * Begins an erasure: the user is shut out at once, and gone from control with sessions, keys, tokens and limits; credit
   * stays, under the erasure's id. Throws `bad_argument` when the reason names the person, and `conflict` when it is
   * under way already, or the person is who asks.
   */
  async request(actor: Actor, person: Person, about: { reason: string | null; since: number | null }) {
    const { reason, since } = about;
    for (const name of [person.id, person.name ?? person.id])
      if (reason?.toLowerCase().includes(name.toLowerCase()))
        throw new DaybookError("bad_argument", "The reason stays: it may not name who is to be erased.");
    if (actor.userId === person.id)
      throw new DaybookError("conflict", "Somebody else must ask for your erasure: who asks is recorded.");
    const row: Row = {
      id: newId("ers"),
      subject: person.id,
      reason: reason === null ? null : line("justification", reason, 500),
      created_at: this.#control.clock(),
      since,
      finished_at: null,
      events: 0,
      waiting_for: null,
    };
    await this.#control.change(
      actor,
      { action: "erasure_requested", entityType: ENTITY, justification: reason, touches: NAMING_ENTITIES },
      async (change) => {
        const running = await change
          .selectFrom("erasures")
          .select("id")
          .where("subject", "=", person.id)
          .executeTakeFirst();
        if (running !== undefined)
          throw new DaybookError("conflict", `This erasure is under way already, as ${running.id}.`);
        await change.insertInto("erasures").values(row).execute();
        await forgetPerson(change, person.id, row.id);
        return { entityId: row.id, oldValues: null, newValues: { since } };
      },
    );
    return erasureOf(row);
  }

  /** What was done meanwhile, and what it waits for. It is no decision, and leaves no entry. */
  note(id: string, more: { readonly events: number; readonly waitingFor: string | null }): Promise<void> {
    return this.#control.upkeep(async (tables) => {
      await tables
        .updateTable("erasures")
        .set(({ eb }) => ({ events: eb("events", "+", more.events), waiting_for: more.waitingFor }))
        .where("id", "=", id)
        .where("finished_at", "is", null)
        .execute();
    });
  }

  /** Whether an audit entry that may name the person waits for a journal: none does for long. */
  async isInOutbox(subject: string): Promise<boolean> {
    return this.#control.upkeep(async (tables) => {
      const rows = await tables.selectFrom("outbox").select("facts").execute();
      return rows.some(({ facts }) => writtenForms(subject).some((form) => facts.includes(form)));
    });
  }

  /** The person is in nothing else that Daybook has: control forgets who it was, last of all. Again: nothing. */
  async finish({ id, subject }: Erasure, charges: Charges): Promise<void> {
    if (subject === null) return;
    const finished_at = this.#control.clock();
    await this.#control.upkeep(async (tables) => {
      // The copy may have been written again from memory since then.
      await tables.deleteFrom("charges").where("user_id", "=", subject).execute();
      for (const { nodeId: node_id, userId: user_id, costMicros: cost_micros } of charges.sums)
        if (user_id === id)
          await tables
            .insertInto("charges")
            .values({ node_id, user_id, cost_micros })
            .onConflict((conflict) => conflict.columns(["node_id", "user_id"]).doUpdateSet({ cost_micros }))
            .execute();
    });
    await this.#control.change(
      DAYBOOK,
      { action: "erasure_finished", entityType: ENTITY, touches: NAMING_ENTITIES },
      async (change) => {
        const row = await change.selectFrom("erasures").selectAll().where("id", "=", id).executeTakeFirst();
        if (row === undefined || row.finished_at !== null) return null;
        await forgetPerson(change, subject, id);
        const done = { subject: null, finished_at, waiting_for: null };
        await change.updateTable("erasures").set(done).where("id", "=", id).execute();
        return { entityId: id, oldValues: null, newValues: { events: row.events } };
      },
    );
  }

  /** Throws `unknown_entity`. */
  async get(id: string): Promise<Erasure> {
    const row = await this.#control.reads
      .selectFrom("erasures")
      .selectAll()
      .where("id", "=", id)
      .executeTakeFirst();
    if (row === undefined) throw new DaybookError("unknown_entity", "such erasure");
    return erasureOf(row);
  }

  async list(page: Page): Promise<Erasure[]> {
    return (await pageOf(this.#control.reads, "erasures", page)).map(erasureOf);
  }
}

function erasureOf(row: Row): Erasure {
  const { id, subject, reason, since, events } = row;
  return {
    id,
    subject,
    reason,
    createdAt: row.created_at,
    since,
    finishedAt: row.finished_at,
    events,
    waitingFor: row.waiting_for,
  };
}
