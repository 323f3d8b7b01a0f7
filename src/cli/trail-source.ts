// Where `daybook log` reads from: the store on this machine, beside a running server or without one, or another
// Daybook through its API.
import { existsSync } from "node:fs";
import { type EventJson, eventJson } from "../event/json.ts";
import { type EventQuery, MAX_LIMIT } from "../query/filter.ts";
import { writeQuery } from "../query/parameters.ts";
import { openStore } from "../stores/open-store.ts";
import { clientOf, type Remote, remoteFailure } from "./remote.ts";

/** Pages of a query, newest first, `limit` events in all. A query's own limit does not count. */
export type TrailSource = (query: EventQuery, limit: number) => AsyncGenerator<EventJson[]>;

/** Whether the store at `address` was ever written. */
export function isRecorded(address: string): boolean {
  return !address.startsWith("sqlite:") || existsSync(address.slice("sqlite:".length));
}

/** What is said where it was not. */
export function notRecorded(home: string): string {
  return `Audit database not found. Nothing was recorded yet in ${home}.\n`;
}

/** Reads the store at `address`. Rejects with `store_unusable`. */
export function localTrail(address: string): TrailSource {
  return async function* (query, limit) {
    const store = await openStore(address, "read");
    try {
      let left = limit;
      let at: Partial<EventQuery> | null = {};
      while (at !== null && left > 0) {
        const { events, next, asOf } = await store.query({
          ...query,
          ...at,
          limit: Math.min(left, MAX_LIMIT),
        });
        yield events.map(eventJson);
        left -= events.length;
        at = next === null ? null : { after: next, asOf };
      }
    } finally {
      await store.close();
    }
  };
}

/** Asks another Daybook. Rejects with `remote_failed`. */
export function remoteTrail(remote: Remote): TrailSource {
  return async function* (query, limit) {
    try {
      for await (const { events } of clientOf(remote).pages(writeQuery(query), { limit })) yield [...events];
    } catch (error) {
      throw remoteFailure(error, remote);
    }
  };
}
