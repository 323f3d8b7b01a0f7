// The request thread's end of the thread that takes in events of other processes. It is started by the first call, and
// again by the next after it was lost: then what was under way is not answered, and its sender sends it again.
import { Worker } from "node:worker_threads";
import { DaybookError } from "../event/errors.ts";
import type { Answers, FromIngest, ToIngest } from "./ingest-worker.ts";

/** Bytes that may wait for the store; beyond them senders are told to come again. */
const MAX_WAITING_BYTES = 192 * 2 ** 20;

export class Ingest {
  readonly #address: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answers[keyof Answers]>>();
  #worker: Worker | null = null;
  #lastId = 0;
  #bytes = 0;
  #closing: Promise<void> | null = null;

  /** Into the store at `address`. */
  constructor(address: string) {
    this.#address = address;
  }

  /**
   * Appends a batch (stores/ingest-lines.ts), which charges `payer` and nobody else; durable when it resolves. The bytes
   * are handed over.
   */
  append(bytes: Uint8Array<ArrayBuffer>, payer: string | null): Promise<Answers["events"]> {
    return this.#carry<"events">({ id: ++this.#lastId, is: "events", bytes, payer });
  }

  /** Adds tiles, a checkpoint and keys; durable when it resolves. The bytes are handed over. */
  async seal(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#carry<"seal">({ id: ++this.#lastId, is: "seal", bytes });
  }

  /** Every node that the store knows. */
  nodes(): Promise<Answers["nodes"]> {
    return this.#ask<"nodes">({ id: ++this.#lastId, is: "nodes" });
  }

  /** Ends the thread once it has answered everything. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #carry<Is extends "events" | "seal">(message: ToIngest & { readonly is: Is }): Promise<Answers[Is]> {
    const { bytes } = message;
    const { byteLength } = bytes;
    if (this.#bytes + byteLength > MAX_WAITING_BYTES)
      throw new DaybookError("overloaded", "with other events");
    this.#bytes += byteLength;
    try {
      return await this.#ask<Is>(message, [bytes.buffer]);
    } finally {
      this.#bytes -= byteLength;
    }
  }

  #ask<Is extends keyof Answers>(message: ToIngest, handedOver: ArrayBuffer[] = []): Promise<Answers[Is]> {
    if (this.#closing !== null && message.is !== "close")
      return Promise.reject(new DaybookError("recorder_closed"));
    this.#worker ??= this.#start();
    const waiting = Promise.withResolvers<Answers[keyof Answers]>();
    this.#waiting.set(message.id, waiting);
    this.#worker.postMessage(message, handedOver);
    return waiting.promise as Promise<Answers[Is]>;
  }

  async #close(): Promise<void> {
    if (this.#worker === null) return;
    const gone = new Promise<void>((resolve) => this.#worker?.once("exit", () => resolve()));
    await this.#ask<"close">({ id: ++this.#lastId, is: "close" });
    await gone;
  }

  #start(): Worker {
    const file = import.meta.url.endsWith(".ts") ? "./ingest-worker.ts" : "./ingest-worker.js";
    const worker = new Worker(new URL(file, import.meta.url), { workerData: this.#address, name: "ingest" });
    worker.on("message", (answer: FromIngest) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.ok) waiting?.resolve(answer.value);
      else waiting?.reject(new DaybookError(answer.code, answer.detail));
    });
    worker.on("error", () => {});
    worker.on("exit", () => {
      this.#worker = null;
      const lost = [...this.#waiting.values()];
      this.#waiting.clear();
      for (const { reject } of lost) reject(new DaybookError("worker_failed", "the taking in of events"));
    });
    return worker;
  }
}
