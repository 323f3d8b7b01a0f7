// `daybook log --follow`: events as they are recorded, from this machine's store or from another Daybook.
import type { LiveItem } from "../client/client.ts";
import { DaybookError } from "../event/errors.ts";
import type { FeedGap } from "../event/feed.ts";
import type { EventJson } from "../event/json.ts";
import type { EventFilter } from "../query/filter.ts";
import { Feed } from "../read/feed.ts";
import { clientOf, type Remote, remoteFailure } from "./remote.ts";

/** What is followed: the newest events first, the oldest of them first, then those that come. */
export interface Following {
  readonly filter: EventFilter;
  readonly recent: number;
  readonly signal: AbortSignal;
}

export type Followed = Exclude<LiveItem, { type: "live" }>;

/** Nobody says here that something came: the store is looked at. */
const POLL_MS = 250;

/** Follows the store at `address`. Rejects with `store_unusable`. */
export async function* followHere(
  address: string,
  { filter, recent, signal }: Following,
): AsyncGenerator<Followed, void> {
  const feed = new Feed({ address, pollMs: POLL_MS });
  try {
    const reader = await feed.subscribe({ filter, hidden: [] }, { recent });
    signal.addEventListener("abort", () => reader.leave());
    if (signal.aborted) return;
    for await (const item of reader.items()) {
      if (item.is === "events") {
        const events = JSON.parse(new TextDecoder().decode(item.events.json)) as EventJson[];
        yield { type: "events", events, position: "" };
      } else if (item.is === "gaps") {
        for (const gap of item.gaps) yield { type: "gap", gap };
      } else if (item.is === "end")
        throw new DaybookError("worker_failed", "the store could not be read any more");
    }
  } finally {
    await feed.close();
  }
}

/** Follows another Daybook, also when the connection breaks. Rejects with `remote_failed`. */
export async function* followThere(
  remote: Remote,
  { filter, recent, signal }: Following,
): AsyncGenerator<Followed, void> {
  try {
    for await (const item of clientOf(remote).live(filter, { recent, signal }))
      if (item.type !== "live") yield item;
  } catch (error) {
    throw remoteFailure(error, remote);
  }
}

/** What is said of events that cannot be shown. */
export function gapText({ node_id: nodeId, from_seq: from, to_seq: to, missing }: FeedGap): string {
  return `${missing} events of node ${nodeId} (seq ${from} to ${to}) are gone: removed by retention, or lost with a journal.\n`;
}
