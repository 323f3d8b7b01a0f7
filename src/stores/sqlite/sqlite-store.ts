// The store in one SQLite connection. The connection is synchronous: a call has done its work when it returns its
// promise, so it belongs in a worker thread. Appends take the write lock at once; reads run in one snapshot.
import { statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type AuditEvent, COLUMN, eventOf } from "../../event/fields.ts";
import { type AsOf, type EventFilter, type EventKey, type EventQuery, MAX_LIMIT } from "../../event/query.ts";
import type { Appended, Batch, Charges, JournalEvent, Page, Position, Stats, Store } from "../store.ts";
import { addCharges, readCharges, takeCharges } from "./charges.ts";
import { checkBatch } from "./check-batch.ts";
import { COLUMN_LIST, COLUMNS, readRow, type SqlValue, sqlOf, storedEvent } from "./columns.ts";
import type { Access } from "./connection.ts";
import { Dictionary } from "./dictionary.ts";
import { namedFailure } from "./failures.ts";
import { pageSql, statsSql, whereOf } from "./select.ts";
import { sumOf } from "./stats.ts";
import { hasTables } from "./tables.ts";

const INSERT = `INSERT INTO events (${COLUMN_LIST}, p1_salt, p2_salt) VALUES (${"?, ".repeat(COLUMNS.length)}?, ?)`;
const BY_ID = `SELECT ${COLUMN_LIST}, p1_salt, p2_salt FROM events WHERE event_id = ? LIMIT 1`;
const POSITIONS = "SELECT node_id, seq, root FROM positions ORDER BY node_id";
const POSITION = "SELECT node_id, seq, root FROM positions WHERE node_id = ?";
const MOVE = `INSERT INTO positions (node_id, seq, root) VALUES (?, ?, ?)
  ON CONFLICT (node_id) DO UPDATE SET seq = excluded.seq, root = excluded.root`;

/** Statements that a connection keeps prepared; filters differ in their SQL. */
const MAX_PREPARED = 200;

export class SqliteStore implements Store {
  readonly capabilities = { concurrentReaders: true };
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #fileId: string;
  readonly #access: Access;
  readonly #dictionary: Dictionary;
  readonly #prepared = new Map<string, StatementSync>();
  #isClosed = false;

  /** Takes over a connection whose pragmas are set and whose tables are there. */
  constructor(db: DatabaseSync, file: string, access: Access) {
    this.#db = db;
    this.#file = file;
    this.#fileId = idOfFile(file);
    this.#access = access;
    this.#dictionary = new Dictionary(db);
  }

  append(batch: Batch): Promise<Appended> {
    return this.#write(() => {
      checkBatch(batch);
      return this.#transaction("BEGIN IMMEDIATE", () => this.#append(batch));
    });
  }

  #append({ nodeId, events, from, to }: Batch): Appended {
    const at = this.#positions(POSITION, nodeId)[0] ?? null;
    if (at?.seq !== from?.seq || at?.root !== from?.root) return { result: "conflict", at };
    const insert = this.#prepare(INSERT);
    for (const event of events) insert.run(...storedEvent(event, this.#dictionary));
    addCharges(this.#db, { nodeId, events });
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
    return this.#call(() => {
      const { limit } = query;
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
        throw new RangeError(`limit is 1 to ${MAX_LIMIT}`);
      return this.#transaction("BEGIN", () => this.#page(query));
    });
  }

  #page(query: EventQuery): Page {
    const asOf = query.asOf ?? this.#asOf();
    const where = whereOf(query, this.#dictionary);
    if (where === null) return { events: [], next: null, asOf };
    const found = this.#all(pageSql(where), [...where.params, query.limit + 1]);
    const events = found.slice(0, query.limit).map((values) => eventOf(readRow(values, this.#dictionary)));
    const last = events.at(-1);
    return { events, next: last !== undefined && found.length > events.length ? keyOf(last) : null, asOf };
  }

  async get(eventId: string): Promise<AuditEvent | null> {
    const source = await this.leafSource(eventId);
    return source === null ? null : eventOf(source.row);
  }

  leafSource(eventId: string): Promise<JournalEvent | null> {
    return this.#call(() => {
      const id = sqlOf(COLUMNS[COLUMN.event_id] as (typeof COLUMNS)[number], eventId);
      if (id === undefined) return null;
      return this.#transaction("BEGIN", () => {
        const values = this.#all(BY_ID, [id])[0];
        if (values === undefined) return null;
        const [p1Salt, p2Salt] = values.slice(COLUMNS.length) as [Uint8Array, Uint8Array];
        return { row: readRow(values, this.#dictionary), p1Salt, p2Salt };
      });
    });
  }

  stats(filter: EventFilter): Promise<Stats> {
    return this.#call(() =>
      this.#transaction("BEGIN", () => {
        const where = whereOf(filter, this.#dictionary);
        return sumOf(where === null ? [] : this.#all(statsSql(where), where.params), this.#dictionary);
      }),
    );
  }

  charges(): Promise<Charges> {
    return this.#call(() => this.#transaction("BEGIN", () => readCharges(this.#db)));
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

  #transaction<T>(begin: "BEGIN" | "BEGIN IMMEDIATE", work: () => T): T {
    this.#db.exec(begin);
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      // The words that it added are gone with it, and their ids will be given to others.
      this.#dictionary.forget();
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
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

function idOfFile(file: string): string {
  const { dev, ino } = statSync(file, { bigint: true });
  return `${dev}:${ino}`;
}

function keyOf(event: AuditEvent): EventKey {
  return { recordedAt: event.recorded_at, nodeId: event.node_id, seq: event.seq };
}
