// Where `daybook log` reads from: the store on this machine, beside a running server or without one, or another
// Daybook through its API.
import { existsSync } from "node:fs";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { type EventJson, eventJson } from "../event/json.ts";
import { type EventQuery, MAX_LIMIT } from "../event/query.ts";
import { writeQuery } from "../read/parameters.ts";
import { openStore } from "../stores/open-store.ts";
import { visible } from "./event-table.ts";

/** Pages of a query, newest first, `limit` events in all. A query's own limit does not count. */
export type TrailSource = (query: EventQuery, limit: number) => AsyncGenerator<EventJson[]>;

const REMOTE_TIMEOUT_MS = 60_000;

/** Whether the store at `address` was ever written. */
export function isRecorded(address: string): boolean {
  return !address.startsWith("sqlite:") || existsSync(address.slice("sqlite:".length));
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

/** Asks the Daybook at `url`. Rejects with `remote_failed`. */
export function remoteTrail(url: URL, token: string): TrailSource {
  return async function* (query, limit) {
    let left = limit;
    let target: URL | null = new URL("admin/audit-logs", url.href.replace(/\/*$/, "/"));
    target.search = writeQuery(query).toString();
    while (target !== null && left > 0) {
      target.searchParams.set("limit", String(Math.min(left, MAX_LIMIT)));
      const response: Response = await request(target, token);
      const events = await eventsOf(response, url);
      yield events;
      left -= events.length;
      target = nextOf(response, url);
    }
  };
}

async function request(target: URL, token: string): Promise<Response> {
  try {
    return await fetch(target, {
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      // A redirect would carry the token to where nobody asked it to go.
      redirect: "manual",
      signal: AbortSignal.timeout(REMOTE_TIMEOUT_MS),
    });
  } catch (error) {
    const reason = nativeCode((error as Error).cause ?? error);
    throw new DaybookError("remote_failed", `at ${target.origin} cannot be reached (${reason})`, {
      cause: error,
    });
  }
}

async function eventsOf(response: Response, url: URL): Promise<EventJson[]> {
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && Array.isArray(body)) return body as EventJson[];
  const detail = (body as { detail?: unknown } | null)?.detail;
  const said = typeof detail === "string" ? `: ${visible(detail)}` : "";
  const what = response.ok ? "did not answer with events" : `answered ${response.status}${said}`;
  throw new DaybookError("remote_failed", `at ${url.origin} ${what}`);
}

/** RFC 8288. The token stays with the server that it is for. */
function nextOf(response: Response, url: URL): URL | null {
  const [, link] = /<([^>]*)>; *rel="?next"?/.exec(response.headers.get("link") ?? "") ?? [];
  if (link === undefined) return null;
  const next = URL.parse(link, response.url);
  if (next?.origin === url.origin) return next;
  throw new DaybookError("remote_failed", `at ${url.origin} points to another server for its next page`);
}
