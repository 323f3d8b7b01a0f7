// A test of the conformance suite, and the few steps that most of them take.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { type AuditEvent, eventOf } from "../../src/event/fields.ts";
import type { EventQuery } from "../../src/query/filter.ts";
import type { Batch, JournalEvent, Page, Store } from "../../src/stores/store.ts";
import type { Cells, NodeLog } from "../support/events.ts";

/** Opens the test's own store, which is empty at first; each call gives a connection of its own. */
export type Open = (access?: "write" | "read") => Promise<Store>;

/** Tests by their names. */
export type Case = (open: Open, t: TestContext) => Promise<void>;
export type Cases = Readonly<Record<string, Case>>;

export async function appendAll(store: Store, ...batches: Batch[]): Promise<void> {
  for (const batch of batches) assert.deepEqual(await store.append(batch), { result: "appended" });
}

/** Appends the node's next events. */
export async function appendNext(
  store: Store,
  log: NodeLog,
  count: number,
  cells: (seq: number) => Cells,
): Promise<void> {
  await appendAll(store, log.next(count, cells));
}

/** More than any test has. */
const MAX_PAGES = 1000;

/** The pages of a query, from the first to the one that says it is the last. */
export async function pagesOf(store: Store, query: EventQuery): Promise<Page[]> {
  const pages = [await store.query(query)];
  for (let page = pages[0]; page !== undefined && page.next !== null; page = pages.at(-1)) {
    assert.ok(pages.length < MAX_PAGES, "the pages do not end");
    pages.push(await store.query({ ...query, after: page.next, asOf: page.asOf }));
  }
  return pages;
}

/** All events that a query finds, over all its pages. */
export async function found(store: Store, query: Partial<EventQuery> = {}): Promise<AuditEvent[]> {
  const pages = await pagesOf(store, { where: {}, limit: 1000, ...query });
  return pages.flatMap(({ events }) => events);
}

export function eventsOf(...lists: (readonly JournalEvent[])[]): AuditEvent[] {
  return lists.flat().map(({ row }) => eventOf(row));
}

export function idsOf(events: readonly AuditEvent[]): string[] {
  return events.map(({ event_id }) => event_id);
}

/** A test for each entry of a table. */
export function perEntry<T>(
  table: Readonly<Record<string, T>>,
  entry: (name: string, value: T) => [string, Case],
): Cases {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => entry(name, value)));
}
