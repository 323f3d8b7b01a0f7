// Where `daybook log` reads from: the store on this machine, beside a running server or without one, or another
// Daybook through its API.
import { existsSync } from "node:fs";
import { DaybookError } from "../event/errors.ts";
import { type EventJson, eventJson } from "../event/json.ts";
import { type EventQuery, MAX_LIMIT } from "../query/filter.ts";
import { writeQuery } from "../query/parameters.ts";
import { openStore } from "../stores/open-store.ts";
import { askRemote, nextOf, type Remote, refusalOf, targetOf } from "./remote.ts";

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

/** Asks another Daybook. Rejects with `remote_failed`, or `remote_refused`. */
export function remoteTrail(remote: Remote): TrailSource {
  return async function* (query, limit) {
    let left = limit;
    let target: URL | null = targetOf(remote, "/admin/audit-logs");
    target.search = writeQuery(query).toString();
    while (target !== null && left > 0) {
      target.searchParams.set("limit", String(Math.min(left, MAX_LIMIT)));
      const response: Response = await askRemote(remote, target);
      const events = await eventsOf(response, remote.url);
      yield events;
      left -= events.length;
      target = nextOf(response.headers.get("link"), target);
    }
  };
}

async function eventsOf(response: Response, url: URL): Promise<EventJson[]> {
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && Array.isArray(body)) return body as EventJson[];
  if (!response.ok) throw refusalOf(url, response.status, body);
  throw new DaybookError("remote_failed", `at ${url.origin} did not answer with events`);
}
