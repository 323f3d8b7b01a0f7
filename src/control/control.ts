// Control: API keys, admins' tokens and whatever else may be changed while Daybook runs. Every change goes
// through `change`, which writes its audit entry into the outbox in the same transaction: there is no change
// without an entry, and no entry without its change. The recorder moves the outbox to the journal.
import type { DatabaseSync } from "node:sqlite";
import type { Kysely, Transaction } from "kysely";
import type { Facts } from "../event/fields.ts";
import { newEventId, newRequestId } from "../event/ids.ts";
import { type BootstrapSecrets, completeFirstStart, type GivenSecrets } from "./bootstrap.ts";
import { Credentials } from "./credentials.ts";
import { kyselyOver, openDatabase } from "./database.ts";
import {
  type ApiKey,
  type ApiKeyIdentity,
  apiKeyOf,
  type Difference,
  heldApiKey,
  heldToken,
  insertApiKey,
  insertToken,
  type NewApiKey,
  type NewToken,
  revoke,
  type Token,
  type TokenIdentity,
  tokenOf,
} from "./issued.ts";
import { enqueue, entriesAfter, type OutboxEntry } from "./outbox.ts";
import { newSecret } from "./secrets.ts";
import type { ChangeableTables, Tables } from "./tables.ts";

/** Who makes a change, and in which request. A token's id goes to `apiKeyId`. */
export type Actor = Pick<
  Facts,
  "userId" | "apiKeyId" | "clientIp" | "caller" | "profile" | "requestId" | "traceId" | "sessionId"
>;

/** What a change is, for its audit event. */
export interface Entry {
  readonly action: string;
  readonly entityType: string;
  /** The reason given for it, at most 500 characters. */
  readonly justification?: string | null | undefined;
}

/** `keyId` is there when the key is known. */
export type KeyCheck =
  | { readonly ok: true; readonly key: ApiKeyIdentity }
  | {
      readonly ok: false;
      readonly reason: "missing" | "unknown" | "key_expired" | "key_revoked";
      readonly keyId?: string;
    };

/** `tokenId` is there when the token is known. */
export type TokenCheck =
  | { readonly ok: true; readonly token: TokenIdentity }
  | {
      readonly ok: false;
      readonly reason: "missing" | "unknown" | "token_expired" | "token_revoked";
      readonly tokenId?: string;
    };

export interface ControlOptions {
  /** Path of control.db; made when it is not there. */
  readonly path: string;
  /** UTC ms. */
  readonly clock: () => number;
  /** The node whose journal takes the audit entries. */
  readonly nodeId?: string | null | undefined;
}

/** Rejects with `folder_unusable` or `newer_version`; what the file holds is then as it was. */
export async function openControl({ path, clock, nodeId }: ControlOptions): Promise<Control> {
  const database = openDatabase(path);
  const control = new Control(database, clock, nodeId ?? null);
  await control.load();
  return control;
}

type Change = Transaction<ChangeableTables>;

export class Control {
  readonly #sqlite: DatabaseSync;
  readonly #database: Kysely<Tables>;
  readonly #clock: () => number;
  readonly #nodeId: string | null;
  readonly #apiKeys = new Credentials<ApiKeyIdentity>();
  readonly #tokens = new Credentials<TokenIdentity>();
  readonly #outboxListeners = new Set<() => void>();
  #closed: Promise<void> | null = null;

  /** Use `openControl`. */
  constructor(sqlite: DatabaseSync, clock: () => number, nodeId: string | null) {
    this.#sqlite = sqlite;
    this.#database = kyselyOver(sqlite);
    this.#clock = clock;
    this.#nodeId = nodeId;
  }

  /** Reads what requests are checked against. */
  async load(): Promise<void> {
    for (const row of await this.#database.selectFrom("api_keys").selectAll().execute())
      this.#apiKeys.hold(row.hash, heldApiKey(row));
    for (const row of await this.#database.selectFrom("tokens").selectAll().execute())
      this.#tokens.hold(row.hash, heldToken(row));
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
    const now = this.#clock();
    const transaction = await this.#database.startTransaction().execute();
    try {
      const made = await work(transaction as unknown as Change);
      if (made === null) {
        await transaction.rollback().execute();
        return null;
      }
      await enqueue(transaction, auditFacts(actor, entry, made, now), this.#nodeId, now);
      const hold = await this.#holderOf(transaction, entry.entityType, made.entityId);
      await transaction.commit().execute();
      // From here on nothing may fail: the caller would believe that nothing was changed.
      hold();
      for (const listener of this.#outboxListeners) queueMicrotask(listener);
      return made;
    } catch (error) {
      if (!transaction.isCommitted && !transaction.isRolledBack) await transaction.rollback().execute();
      throw error;
    }
  }

  /** What brings the changed credential in memory up to date, once the change is committed. */
  async #holderOf(transaction: Transaction<Tables>, entityType: string, id: string): Promise<() => void> {
    if (entityType === "api_key") {
      const row = await transaction
        .selectFrom("api_keys")
        .selectAll()
        .where("id", "=", id)
        .executeTakeFirst();
      if (row !== undefined) return () => this.#apiKeys.hold(row.hash, heldApiKey(row));
    }
    if (entityType === "token") {
      const row = await transaction.selectFrom("tokens").selectAll().where("id", "=", id).executeTakeFirst();
      if (row !== undefined) return () => this.#tokens.hold(row.hash, heldToken(row));
    }
    return () => {};
  }

  /** Finishes the first start: see bootstrap.ts. Null when an earlier one was finished. */
  bootstrap(given: GivenSecrets = {}): Promise<BootstrapSecrets | null> {
    return completeFirstStart(
      this.#database as unknown as Kysely<ChangeableTables>,
      this,
      given,
      this.#clock,
    );
  }

  /** Makes an API key; `secret` is shown this once. */
  async createApiKey(
    actor: Actor,
    key: NewApiKey,
  ): Promise<{ readonly id: string; readonly secret: string }> {
    const secret = newSecret("dbk");
    const entry = { action: "api_key_created", entityType: "api_key" };
    const made = await this.change(actor, entry, (change) =>
      insertApiKey(change, key, secret, this.#clock()),
    );
    return { id: made?.entityId ?? "", secret: secret.text };
  }

  /** Makes a token; `secret` is shown this once. */
  async createToken(
    actor: Actor,
    token: NewToken,
  ): Promise<{ readonly id: string; readonly secret: string }> {
    const secret = newSecret("dbt");
    const entry = { action: "token_created", entityType: "token" };
    const made = await this.change(actor, entry, (change) =>
      insertToken(change, token, secret, this.#clock()),
    );
    return { id: made?.entityId ?? "", secret: secret.text };
  }

  /** False when there is no such key, or it is revoked already. New requests are refused at once. */
  async revokeApiKey(actor: Actor, id: string, justification?: string | null): Promise<boolean> {
    const entry = { action: "api_key_revoked", entityType: "api_key", justification };
    return (
      (await this.change(actor, entry, (change) => revoke(change, "api_keys", id, this.#clock()))) !== null
    );
  }

  /** False when there is no such token, or it is revoked already. */
  async revokeToken(actor: Actor, id: string, justification?: string | null): Promise<boolean> {
    const entry = { action: "token_revoked", entityType: "token", justification };
    return (
      (await this.change(actor, entry, (change) => revoke(change, "tokens", id, this.#clock()))) !== null
    );
  }

  async listApiKeys(): Promise<ApiKey[]> {
    return (await this.#database.selectFrom("api_keys").selectAll().orderBy("created_at").execute()).map(
      apiKeyOf,
    );
  }

  async listTokens(): Promise<Token[]> {
    return (await this.#database.selectFrom("tokens").selectAll().orderBy("created_at").execute()).map(
      tokenOf,
    );
  }

  /** Whose API key was presented. From memory: it never waits. */
  authenticateKey(presented: string): KeyCheck {
    const check = this.#apiKeys.check(presented, this.#clock());
    if (check.ok) return { ok: true, key: check.identity };
    if (!("identity" in check)) return check;
    return { ok: false, reason: `key_${check.reason}`, keyId: check.identity.id };
  }

  /** Whose token was presented. From memory: it never waits. */
  authenticateToken(presented: string): TokenCheck {
    const check = this.#tokens.check(presented, this.#clock());
    if (check.ok) return { ok: true, token: check.identity };
    if (!("identity" in check)) return check;
    return { ok: false, reason: `token_${check.reason}`, tokenId: check.identity.id };
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
    // Whoever holds the one connection is alone with the database.
    this.#closed ??= this.#database.connection().execute(() => this.#database.destroy());
    return this.#closed;
  }
}

function auditFacts(actor: Actor, entry: Entry, difference: Difference, now: number): Facts {
  const { entityId, oldValues, newValues } = difference;
  return {
    ...actor,
    eventId: newEventId(),
    kind: "admin",
    action: entry.action,
    count: 1,
    timestamp: now,
    requestId: actor.requestId ?? newRequestId(),
    policyDecision: "n/a",
    entityType: entry.entityType,
    entityId,
    oldValues,
    newValues,
    ...(entry.justification == null ? {} : { justification: entry.justification }),
  };
}
