// Control: what may be changed while Daybook runs. Every change goes through `change`, which writes its audit
// entry into the outbox in the same transaction: there is no change without an entry, and no entry without its
// change. The recorder moves the outbox to the journal. The parts of control (keys, users, …) keep in memory what
// requests need; `onChanged` brings it up to date after each change, of this process and of others on the file.
import type { DatabaseSync } from "node:sqlite";
import type { Kysely, Transaction } from "kysely";
import { type Actor, auditFacts, type Difference, type Entry } from "./change.ts";
import { kyselyOver, openDatabase } from "./database.ts";
import type { CopyTables } from "./money-tables.ts";
import { enqueue, entriesAfter, type OutboxEntry } from "./outbox.ts";
import type { ChangeableTables, Tables } from "./tables.ts";

export interface ControlOptions {
  /** Path of control.db; made when it is not there. */
  readonly path: string;
  /** UTC ms. */
  readonly clock: () => number;
  /** The node whose journal takes the audit entries. */
  readonly nodeId?: string | null | undefined;
}

/** What may be read, in a change or outside of one. */
export type Reads = Kysely<ChangeableTables>;
/** What may be brought up to date without anybody's decision. */
type UpkeepTables = CopyTables & Pick<Tables, "erasures" | "outbox" | "export_runs">;
export type Change = Transaction<ChangeableTables>;

/**
 * Reads the entity `id`, or all when that is null, and answers with what brings memory up to date: synchronous, and
 * it may not fail, since the change is committed by then.
 */
export type Refresh = (reads: Reads, id: string | null) => Promise<() => void>;

/** How often changes of other processes are looked for. */
const WATCH_MS = 200;

/** Throws `folder_unusable` or `newer_version`; what the file holds is then as it was. */
export function openControl({ path, clock, nodeId }: ControlOptions): Control {
  return new Control(openDatabase(path), clock, nodeId ?? null);
}

export class Control {
  /** UTC ms. */
  readonly clock: () => number;
  readonly #sqlite: DatabaseSync;
  readonly #database: Kysely<Tables>;
  readonly #nodeId: string | null;
  readonly #refreshes = new Map<string, Refresh[]>();
  /** Entity type → revision that memory shows. */
  readonly #shown = new Map<string, number>();
  readonly #outboxListeners = new Set<() => void>();
  #dataVersion: unknown = null;
  #watch: NodeJS.Timeout | null = null;
  #looking = false;
  #closed: Promise<void> | null = null;

  /** Use `openControl`. */
  constructor(sqlite: DatabaseSync, clock: () => number, nodeId: string | null) {
    this.#sqlite = sqlite;
    this.#database = kyselyOver(sqlite);
    this.clock = clock;
    this.#nodeId = nodeId;
  }

  /** For lists and the like. What requests are checked against is in memory. */
  get reads(): Reads {
    return this.#database as unknown as Reads;
  }

  /** `refresh` follows the changes of entities of this type; several may follow one type. First called by `load`. */
  onChanged(entityType: string, refresh: Refresh): void {
    this.#refreshes.set(entityType, [...(this.#refreshes.get(entityType) ?? []), refresh]);
  }

  /** Reads what requests are checked against. Then, unless told otherwise, changes of other processes are followed. */
  async load({ watch = true } = {}): Promise<void> {
    this.#dataVersion = this.#readDataVersion();
    await this.#refreshAll(() => true);
    if (watch) this.#watch ??= setInterval(() => void this.#look(), WATCH_MS).unref();
  }

  /**
   * The only way to change anything: `work` and its audit entry commit together or not at all. `work` answers with
   * the difference it made to one entity, or null when there was nothing to change; then whatever it wrote is rolled
   * back and this is null. Rejects, rolled back, when `work` rejects, when the entry does not fit its event
   * (`bad_argument`) and when it cannot be written (`audit_unavailable`). `work` may not call `change`.
   */
  async change(
    actor: Actor,
    entry: Entry,
    work: (change: Change) => Promise<Difference | null>,
  ): Promise<Difference | null> {
    const now = this.clock();
    const transaction = await this.#database.startTransaction().execute();
    try {
      const made = await work(transaction as unknown as Change);
      if (made === null) {
        await transaction.rollback().execute();
        return null;
      }
      const facts = auditFacts(actor, entry, made, now);
      await enqueue(transaction, facts, this.#nodeId, now);
      const shows = [await this.#showing(transaction, entry.entityType, made.entityId)];
      for (const touched of entry.touches ?? []) shows.push(await this.#showing(transaction, touched, null));
      await transaction.commit().execute();
      // From here on nothing may fail: the caller would believe that nothing was changed.
      for (const show of shows) show();
      actor.committed?.(facts.eventId ?? "");
      for (const listener of this.#outboxListeners) queueMicrotask(listener);
      return made;
    } catch (error) {
      if (!transaction.isCommitted && !transaction.isRolledBack) await transaction.rollback().execute();
      throw error;
    }
  }

  /** Counts the change for other processes, and reads what shows it in memory. */
  async #showing(
    transaction: Transaction<Tables>,
    entityType: string,
    id: string | null,
  ): Promise<() => void> {
    const { revision } = await transaction
      .insertInto("revisions")
      .values({ entity_type: entityType, revision: 1 })
      .onConflict((conflict) =>
        conflict
          .column("entity_type")
          .doUpdateSet((column) => ({ revision: column("revisions.revision", "+", 1) })),
      )
      .returning("revision")
      .executeTakeFirstOrThrow();
    const shows: (() => void)[] = [];
    for (const refresh of this.#refreshes.get(entityType) ?? [])
      shows.push(await refresh(transaction as unknown as Reads, id));
    return () => {
      for (const show of shows) show();
      // Else others changed something too, which is found by the next look.
      if (revision === (this.#shown.get(entityType) ?? 0) + 1) this.#shown.set(entityType, revision);
    };
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const dataVersion = this.#readDataVersion();
      if (dataVersion === this.#dataVersion) return;
      await this.#refreshAll((entityType, revision) => revision !== (this.#shown.get(entityType) ?? 0));
      this.#dataVersion = dataVersion;
    } catch {
      // Closed, or held by somebody for too long: looked at again.
    } finally {
      this.#looking = false;
    }
  }

  /** It is another one after each commit of another connection, in this process or not. */
  #readDataVersion(): unknown {
    return this.#sqlite.prepare("PRAGMA data_version").get()?.data_version;
  }

  async #refreshAll(isStale: (entityType: string, revision: number) => boolean): Promise<void> {
    // Whoever holds the one connection is alone with memory too: no change shows between the reading and the showing.
    await this.#database.connection().execute(async (connection) => {
      // Read before the rest: what comes in between is then read twice, and never missed.
      const rows = await connection.selectFrom("revisions").selectAll().execute();
      const revisions = new Map(rows.map(({ entity_type, revision }) => [entity_type, revision]));
      for (const [entityType, refreshes] of this.#refreshes) {
        const revision = revisions.get(entityType) ?? 0;
        if (!isStale(entityType, revision)) continue;
        for (const refresh of refreshes) (await refresh(connection as unknown as Reads, null))();
        this.#shown.set(entityType, revision);
      }
    });
  }

  /**
   * Reads and writes, in one transaction, what is no decision of anybody but follows from events: it leaves no entry.
   * Rejects, rolled back, when `work` does.
   */
  upkeep<T>(work: (tables: Transaction<UpkeepTables>) => Promise<T>): Promise<T> {
    return this.#database
      .transaction()
      .execute((transaction) => work(transaction as unknown as Transaction<UpkeepTables>));
  }

  /** What was removed is then in no byte of the file; false: somebody is reading it, and it is to be tried again. */
  leaveNothing(): boolean {
    return this.#sqlite.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.busy === 0;
  }

  /** Audit entries that wait for the journal, in order of id. */
  outboxAfter(id: number, limit: number, nodeId: string | null = this.#nodeId): Promise<OutboxEntry[]> {
    return entriesAfter(this.#database, id, limit, nodeId);
  }

  /** Forgets the entries up to `id`: the journal has them. */
  async forgetOutbox(upToId: number, nodeId: string | null = this.#nodeId): Promise<void> {
    await this.#database
      .deleteFrom("outbox")
      .where("id", "<=", upToId)
      .where("node_id", "is", nodeId)
      .execute();
  }

  /** Called after each change has committed, before its caller goes on. Returns the way out (idempotent). */
  onOutbox(listener: () => void): () => void {
    this.#outboxListeners.add(listener);
    return () => this.#outboxListeners.delete(listener);
  }

  /** Rejects when control.db cannot be read. */
  async health(): Promise<void> {
    this.#sqlite.prepare("SELECT 1 FROM settings LIMIT 1").get();
  }

  /** Waits for changes that were asked for before; later calls reject. Idempotent. */
  close(): Promise<void> {
    if (this.#watch !== null) clearInterval(this.#watch);
    this.#closed ??= this.#database.connection().execute(() => this.#database.destroy());
    return this.#closed;
  }
}
