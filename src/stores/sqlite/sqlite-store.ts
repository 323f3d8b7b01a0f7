// The store in one SQLite connection. The connection is synchronous: a call has done its work when it returns its
// promise, so it belongs in a worker thread. Appends take the write lock at once; reads run in one snapshot.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type AuditEvent, eventOf, type FieldName } from "../../event/fields.ts";
import type { AsOf, EventFilter, EventQuery, RowsQuery } from "../../query/filter.ts";
import type { Activity, ActivityQuestion } from "../activity.ts";
import type {
  EraseProgress,
  EraseStep,
  IsMeant,
  PrunePlan,
  PruneProgress,
  PruneRules,
  PruneStep,
  Subject,
  Traces,
} from "../removal.ts";
import type {
  Appended,
  Batch,
  Bucket,
  Charges,
  Facets,
  Followed,
  Group,
  JournalEvent,
  Page,
  Position,
  Rows,
  Scanned,
  Seal,
  SealedLog,
  Stats,
  Store,
  Usage,
} from "../store.ts";
import { activity } from "./activity.ts";
import { ActorDays } from "./actor-days.ts";
import { addCharges, readCharges, takeCharges } from "./charges.ts";
import { checkBatch } from "./check-batch.ts";
import type { Source } from "./collect.ts";
import { columnOf, hasActor, INSERT_EVENT, type SqlValue, sqlOf, storedEvent } from "./columns.ts";
import { type Access, copyInto, createPrivately, idOfFile } from "./connection.ts";
import { Dictionary } from "./dictionary.ts";
import { traces } from "./erasure.ts";
import { facets, groups } from "./facets.ts";
import { namedFailure } from "./failures.ts";
import { Follower } from "./follow.ts";
import { page, rows, WINDOWS, type Windows } from "./pages.ts";
import { planPrune } from "./retention.ts";
import { RollupRows, Tally } from "./rollups.ts";
import { JOURNAL_EVENT, journalEvent, scan } from "./scan.ts";
import { addSeal, readSeals, TILE } from "./seals.ts";
import { histogram, stats, usage } from "./stats.ts";
import { EVENT_ID_HEAD, HEAD_OF_PARAMETER, hasTables } from "./tables.ts";
import { openActors, openShapes, type Tuples } from "./tuples.ts";
import { Upkeep } from "./upkeep.ts";

const BY_ID = `SELECT ${JOURNAL_EVENT} FROM events INDEXED BY events_event_id
  WHERE ${EVENT_ID_HEAD} = ${HEAD_OF_PARAMETER} AND event_id = ? LIMIT 1`;
/** Also where somebody has written a number that cannot be read. */
const POSITIONS = `SELECT node_id, min(seq, ${Number.MAX_SAFE_INTEGER}), root FROM positions ORDER BY node_id`;
const POSITION = "SELECT node_id, seq, root FROM positions WHERE node_id = ?";
const MOVE = `INSERT INTO positions (node_id, seq, root) VALUES (?, ?, ?)
  ON CONFLICT (node_id) DO UPDATE SET seq = excluded.seq, root = excluded.root`;
const TIMES_FORGOTTEN = `SELECT min(times, ${Number.MAX_SAFE_INTEGER}) FROM forgotten`;
const HAS_FORGOTTEN = "SELECT 1 FROM sqlite_schema WHERE name = 'forgotten'";

/** Statements that a connection keeps prepared; filters differ in their SQL. */
const MAX_PREPARED = 200;

export class SqliteStore implements Store {
  readonly capabilities = { concurrentReaders: true };
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #fileId: string;
  readonly #access: Access;
  readonly #dictionary: Dictionary;
  readonly #shapes: Tuples;
  readonly #actors: Tuples;
  readonly #actorDays = new ActorDays();
  readonly #rollups: RollupRows;
  readonly #windows: Windows;
  readonly #follower = new Follower();
  readonly #prepared = new Map<string, StatementSync>();
  readonly #upkeep: Upkeep;
  #timesForgotten = -1;
  #isClosed = false;

  /** Takes over a connection whose pragmas are set and whose tables are there. */
  constructor(db: DatabaseSync, file: string, access: Access, windows: Windows = WINDOWS) {
    this.#db = db;
    this.#file = file;
    this.#fileId = idOfFile(file);
    this.#access = access;
    this.#dictionary = new Dictionary(db);
    this.#shapes = openShapes(db);
    this.#actors = openActors(db);
    this.#rollups = new RollupRows(db);
    this.#windows = windows;
    this.#upkeep = new Upkeep({
      db,
      file,
      source: () => this.source,
      transaction: (work) => this.#transaction("BEGIN IMMEDIATE", work),
    });
  }

  append(batch: Batch): Promise<Appended> {
    return this.#write(() => {
      checkBatch(batch);
      return this.#transaction("BEGIN IMMEDIATE", () => this.#append(batch));
    });
  }

  #append(batch: Batch): Appended {
    const { nodeId, events, from, to } = batch;
    const at = this.#positions(POSITION, nodeId)[0] ?? null;
    if (at?.seq !== from?.seq || at?.root !== from?.root) return { result: "conflict", at };
    const insert = this.#prepare(INSERT_EVENT);
    const tally = new Tally();
    for (const event of events) {
      const shape = this.#shapes.add(event.row);
      const actor = hasActor(event.row) ? this.#actors.add(event.row) : null;
      insert.run(...storedEvent(event, shape, actor, this.#dictionary));
      tally.add(event.row, shape, actor);
    }
    tally.write(this.#rollups);
    addCharges(this.#db, batch);
    this.#prepare(MOVE).run(nodeId, to.seq, to.root);
    return { result: "appended" };
  }

  checkpoint(): Promise<void> {
    return this.#write(() => {
      this.#checkInPlace();
      // FULL waits (busy_timeout) for readers of older snapshots; it syncs the WAL, copies it and syncs the file.
      const { busy } = this.#db.prepare("PRAGMA wal_checkpoint(FULL)").get() ?? {};
      if (busy === 0) return;
      const reason = "a reader kept an old snapshot; what was appended is not known to be durable yet";
      throw Object.assign(new Error(`Cannot checkpoint the store at ${this.#file}: ${reason}.`), {
        code: "SQLITE_BUSY",
      });
    });
  }

  positions(): Promise<Position[]> {
    return this.#call(() => this.#positions(POSITIONS));
  }

  query(query: EventQuery): Promise<Page> {
    return this.#call(() =>
      this.#snapshot(() => page(this.source, query, query.asOf ?? this.#asOf(), this.#windows)),
    );
  }

  rows(query: RowsQuery): Promise<Rows> {
    return this.#call(() =>
      this.#snapshot(() => rows(this.source, query, query.asOf ?? this.#asOf(), this.#windows)),
    );
  }

  async get(eventId: string): Promise<AuditEvent | null> {
    const source = await this.leafSource(eventId);
    return source === null ? null : eventOf(source.row);
  }

  leafSource(eventId: string): Promise<JournalEvent | null> {
    return this.#call(() => {
      const id = sqlOf(columnOf("event_id"), eventId);
      if (id === undefined) return null;
      return this.#snapshot(() => {
        const values = this.#all(BY_ID, [id, id, id, id])[0];
        if (values === undefined) return null;
        return journalEvent(values, this.source);
      });
    });
  }

  scan(after: number | null, limit: number, upTo?: number): Promise<Scanned> {
    return this.#call(() => this.#snapshot(() => scan(this.source, after, limit, upTo)));
  }

  follow(after: AsOf, upTo: AsOf | null, limit: number): Promise<Followed> {
    return this.#call(() =>
      this.#snapshot(() => this.#follower.read(this.source, this.#asOf(), after, upTo, limit)),
    );
  }

  seal(seal: Seal): Promise<void> {
    return this.#write(() => this.#transaction("BEGIN IMMEDIATE", () => addSeal(this.#db, seal)));
  }

  seals(): Promise<SealedLog[]> {
    return this.#call(() => this.#snapshot(() => readSeals(this.#db)));
  }

  tile(nodeId: string, level: number, index: number): Promise<Uint8Array | null> {
    return this.#call(() => (this.#all(TILE, [nodeId, level, index])[0]?.[0] ?? null) as Uint8Array | null);
  }

  stats(filter: EventFilter): Promise<Stats> {
    return this.#call(() => this.#snapshot(() => stats(this.source, filter)));
  }

  histogram(filter: EventFilter, bucketMs: number): Promise<Bucket[]> {
    return this.#call(() => this.#snapshot(() => histogram(this.source, filter, bucketMs)));
  }

  facets(filter: EventFilter, fields: readonly FieldName[], limit: number): Promise<Facets[]> {
    return this.#call(() => this.#snapshot(() => facets(this.source, filter, fields, limit)));
  }

  groups(...question: Parameters<Store["groups"]>): Promise<Group[][]> {
    return this.#call(() => this.#snapshot(() => groups(this.source, ...question)));
  }

  usage({ by, since }: { readonly by: "api_key_id" | "user_id"; readonly since: number }): Promise<Usage[]> {
    return this.#call(() => this.#snapshot(() => usage(this.source, by, since)));
  }

  activity(question: ActivityQuestion): Promise<Activity> {
    return this.#call(() => this.#snapshot(() => activity(this.source, question)));
  }

  planPrune(rules: PruneRules): Promise<PrunePlan> {
    return this.#call(() => this.#snapshot(() => planPrune(this.source, rules)));
  }

  prune(plan: PrunePlan, progress?: PruneProgress, isMeant?: IsMeant): Promise<PruneStep> {
    return this.#write(() => {
      this.#checkInPlace();
      return this.#upkeep.prune(plan, progress, isMeant);
    });
  }

  traces(subject: Subject): Promise<Traces> {
    return this.#call(() => this.#snapshot(() => traces(this.source, subject)));
  }

  erase(subject: Subject, progress?: EraseProgress, isMeant?: IsMeant): Promise<EraseStep> {
    return this.#write(() => {
      this.#checkInPlace();
      return this.#upkeep.erase(subject, progress, isMeant);
    });
  }

  backup(path: string): Promise<void> {
    return this.#call(() => {
      createPrivately(path);
      copyInto(this.#file, path);
    });
  }

  charges(): Promise<Charges> {
    return this.#call(() => this.#snapshot(() => readCharges(this.#db)));
  }

  restoreCharges(copy: Charges): Promise<void> {
    return this.#write(() => this.#transaction("BEGIN IMMEDIATE", () => takeCharges(this.#db, copy)));
  }

  health(): Promise<void> {
    return this.#call(() => {
      this.#checkInPlace();
      hasTables(this.#db, this.#file);
      this.#positions(POSITIONS);
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#db.close();
  }

  async #call<T>(work: () => T): Promise<T> {
    if (this.#isClosed) throw new Error(`The store at ${this.#file} is closed.`);
    try {
      return work();
    } catch (error) {
      throw namedFailure(error);
    }
  }

  #write<T>(work: () => T): Promise<T> {
    return this.#call(() => {
      if (this.#access === "read") throw new Error(`The store at ${this.#file} was opened for reading only.`);
      return work();
    });
  }

  /** Everything that `work` reads is of one moment. */
  #snapshot<T>(work: () => T): T {
    return this.#transaction("BEGIN", work);
  }

  #transaction<T>(begin: "BEGIN" | "BEGIN IMMEDIATE", work: () => T): T {
    this.#db.exec(begin);
    try {
      this.#dropForgotten();
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      // The words and tuples that it added are gone with it, and their ids will be given to others.
      this.#forget();
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** What other connections took away is forgotten here too. Tables that nobody has written since then have no count. */
  #dropForgotten(): void {
    const [times = -1] = (this.#hasForgotten ? this.#all(TIMES_FORGOTTEN, [])[0] : undefined) ?? [];
    if (times === this.#timesForgotten) return;
    this.#timesForgotten = times as number;
    this.#forget();
  }

  get #hasForgotten(): boolean {
    return this.#timesForgotten >= 0 || this.#all(HAS_FORGOTTEN, []).length > 0;
  }

  #forget(): void {
    this.#dictionary.forget();
    this.#shapes.forget();
    this.#actors.forget();
    this.#actorDays.forget();
  }

  #positions(sql: string, ...nodeId: string[]): Position[] {
    return this.#all(sql, nodeId).map(([node, seq, root]) => ({
      nodeId: node as string,
      seq: seq as number,
      root: root as string,
    }));
  }

  #asOf(): AsOf {
    return Object.fromEntries(this.#positions(POSITIONS).map(({ nodeId, seq }) => [nodeId, seq]));
  }

  /** What the parts of this driver read through. */
  get source(): Source {
    return {
      dictionary: this.#dictionary,
      shapes: this.#shapes,
      actors: this.#actors,
      actorDays: this.#actorDays,
      all: (sql, params) => this.#all(sql, params),
      each: (sql, params) =>
        this.#prepare(sql).iterate(...params) as Iterable<unknown> as Iterable<SqlValue[]>,
      findTuples: (table, sql, params) =>
        this.#all(`SELECT id FROM ${table} WHERE ${sql}`, params).map(([id]) => id as number),
    };
  }

  /** Rows as arrays, in the order of the SELECT. */
  #all(sql: string, params: readonly SqlValue[]): SqlValue[][] {
    return this.#prepare(sql).all(...params) as unknown as SqlValue[][];
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      if (this.#prepared.size >= MAX_PREPARED) this.#prepared.clear();
      statement = this.#db.prepare(sql);
      statement.setReturnArrays(true);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  /** A file that was removed or replaced goes on taking writes, and loses them all when it is closed. */
  #checkInPlace(): void {
    if (idOfFile(this.#file) === this.#fileId) return;
    throw new Error(`The store at ${this.#file} was replaced by another file while it was open.`);
  }
}
