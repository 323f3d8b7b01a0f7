// Moves the audit entries of admin changes from control's outbox to the journal, in order. An entry is durable in
// control.db before this room hears of it, and is forgotten there only when the journal has it; ids that the
// journal had at the start are skipped. Each node moves its own entries.
import type { Facts, Kind } from "../event/fields.ts";

export interface Outbox {
  outboxAfter(
    id: number,
    limit: number,
    nodeId: string,
  ): Promise<{ readonly id: number; readonly facts: Facts }[]>;
  forgetOutbox(upToId: number, nodeId: string): Promise<void>;
  onOutbox(listener: () => void): () => void;
}

export interface OutboxRecorder {
  readonly nodeId: string;
  recordOutbox(id: number, facts: Facts & { kind: Kind }): Promise<void>;
}

const BATCH = 100;
const RETRY_MS = 1000;

export class OutboxPump {
  readonly #outbox: Outbox;
  readonly #recorder: OutboxRecorder;
  readonly #unsubscribe: () => void;
  #lastId: number;
  #running: Promise<void> | null = null;
  #again = false;
  #closed = false;
  #retry: NodeJS.Timeout | null = null;

  constructor(outbox: Outbox, recorder: OutboxRecorder, lastId: number) {
    this.#outbox = outbox;
    this.#recorder = recorder;
    this.#lastId = lastId;
    this.#unsubscribe = outbox.onOutbox(() => void this.pump().catch(() => {}));
  }

  /** Resolves when everything that is in the outbox now is durable in the journal. */
  pump(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#unsubscribe();
    if (this.#retry !== null) clearTimeout(this.#retry);
    await this.#running?.catch(() => {});
  }

  async #run(): Promise<void> {
    try {
      while (this.#again) {
        this.#again = false;
        await this.#outbox.forgetOutbox(this.#lastId, this.#recorder.nodeId);
        for (let rows = await this.#next(); rows.length > 0; rows = await this.#next())
          await this.#move(rows);
      }
    } catch (error) {
      if (!this.#closed)
        this.#retry ??= setTimeout(() => {
          this.#retry = null;
          void this.pump().catch(() => {});
        }, RETRY_MS).unref();
      throw error;
    } finally {
      // At once, and not a turn later: a change that comes in between must find nothing running.
      this.#running = null;
    }
  }

  #next() {
    return this.#outbox.outboxAfter(this.#lastId, BATCH, this.#recorder.nodeId);
  }

  async #move(rows: { readonly id: number; readonly facts: Facts }[]): Promise<void> {
    // One after the other: the journal remembers the last id, so none before it may be missing.
    for (const { id, facts } of rows) {
      await this.#recorder.recordOutbox(id, facts as Facts & { kind: Kind });
      this.#lastId = id;
    }
    await this.#outbox.forgetOutbox(this.#lastId, this.#recorder.nodeId);
  }
}
