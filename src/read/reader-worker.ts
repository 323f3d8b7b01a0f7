// The thread behind reader.ts: opens the store for reading when first asked, answers calls in any order, and
// ends by itself after `close`, which comes when no call is left.
import { parentPort, workerData } from "node:worker_threads";
import { DaybookError, type DaybookErrorCode, nativeCode } from "../event/errors.ts";
import type { FieldName } from "../event/fields.ts";
import { eventJson, without } from "../event/json.ts";
import { type EventQuery, MAX_LIMIT } from "../query/filter.ts";
import { openStore } from "../stores/open-store.ts";
import type { Page, Store } from "../stores/store.ts";
import { giveWay } from "../threads/give-way.ts";

/** What is over soon, and what may take as long as the log is. */
type QuickCall =
  | "query"
  | "get"
  | "charges"
  | "usage"
  | "positions"
  | "health"
  | "seals"
  | "tile"
  | "leafSource";
type LongCall = "stats" | "histogram" | "facets" | "groups" | "activity" | "planPrune" | "traces";
export type CallName = QuickCall | LongCall;

/** A page as it is shown: the JSON of an array of events, made here so that no request waits while it is made. */
export interface PageText extends Pick<Page, "next" | "asOf"> {
  readonly json: Uint8Array<ArrayBuffer>;
}

export interface Call {
  readonly id: number;
  readonly name: CallName | "page" | "close";
  readonly arguments: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly code: DaybookErrorCode; readonly detail: string };

let opening: Promise<Store> | null = null;

async function store(): Promise<Store> {
  opening ??= openStore(String(workerData), "read");
  try {
    return await opening;
  } catch (error) {
    opening = null;
    throw error;
  }
}

async function pageOf(store: Store, query: EventQuery, hidden: readonly FieldName[]): Promise<PageText> {
  const { events, next, asOf } = await store.query(await passedOver(store, query));
  const shown = events.map((event) => eventJson(without(event, hidden)));
  return { json: new TextEncoder().encode(JSON.stringify(shown)), next, asOf };
}

/** The query that begins where `offset` leads. */
async function passedOver(store: Store, { offset = 0, ...query }: EventQuery): Promise<EventQuery> {
  let at: EventQuery = query;
  for (let left = offset; left > 0; ) {
    const { events, next, asOf } = await store.query({ ...at, limit: Math.min(left, MAX_LIMIT) });
    left -= events.length;
    const last = events.at(-1);
    if (next !== null) at = { ...query, after: next, asOf };
    else if (last === undefined) return { ...at, asOf };
    // What follows the last of all: nothing.
    else
      return { ...query, after: { recordedAt: last.recorded_at, nodeId: last.node_id, seq: last.seq }, asOf };
  }
  return at;
}

async function answer({ id, name, arguments: given }: Call): Promise<void> {
  let answer: Answer;
  const handedOver: ArrayBuffer[] = [];
  try {
    const opened = await store();
    if (name === "page") {
      const value = await pageOf(opened, ...(given as [EventQuery, readonly FieldName[]]));
      handedOver.push(value.json.buffer);
      answer = { id, ok: true, value };
    } else {
      const call = opened[name] as (...given: unknown[]) => Promise<unknown>;
      answer = { id, ok: true, value: await call.apply(opened, [...given]) };
    }
  } catch (error) {
    const [code, detail] =
      error instanceof DaybookError
        ? [error.code, error.detail]
        : (["worker_failed", `the store could not be read (${nativeCode(error)})`] as const);
    answer = { id, ok: false, code, detail };
  }
  parentPort?.postMessage(answer, handedOver);
}

giveWay();
parentPort?.on("message", async (call: Call) => {
  if (call.name !== "close") return answer(call);
  await opening?.then((opened) => opened.close());
  parentPort?.close();
});
