// The live feed: over a WebSocket, or as an event stream. Both send the same frames, and leave one event of kind `system`
// when they begin: a live tail makes no traffic of its own.
import * as z from "zod";
import { type FeedEnd, parsePosition } from "../../event/feed.ts";
import { isoTime } from "../../event/json.ts";
import { answered } from "../../event/outcomes.ts";
import { filterNames } from "../../query/filter.ts";
import { parseFilter } from "../../query/parameters.ts";
import type { FeedReader } from "../../read/feed.ts";
import { SUBSCRIBED } from "../audit.ts";
import { type Holder, hiddenFrom, withinReach } from "../authorize.ts";
import { type Carrier, carry } from "../feed/carry.ts";
import { openEventStream } from "../feed/event-stream.ts";
import { upgradeOf } from "../feed/upgrades.ts";
import { checkHandshake, openWebSocket } from "../feed/web-socket.ts";
import { Refusal } from "../problem.ts";
import { type Call, holderOf, type Route, route } from "../route.ts";

const MAX_RECENT = 1000;
const RECENT = 100;

const FEED_QUERY = z.object({
  recent: z.coerce
    .number()
    .int()
    .min(0)
    .max(MAX_RECENT)
    .optional()
    .describe(
      "Events from before that come first, the oldest first: 100 unless `after` is given, then none.",
    ),
  after: z
    .string()
    .optional()
    .describe(
      "Where to go on from: the `position` of a frame, `node_id=seq` for each node, with commas between.",
    ),
  batch: z
    .enum(["true", "false"])
    .optional()
    .describe("`true`: frames `logs` of many events each instead of a frame `log` for each."),
  ticket: z.string().optional().describe("From `POST /admin/ws-tickets`, where no header can be sent."),
});
type FeedCall = Call<z.output<typeof FEED_QUERY>>;

const FEED = {
  method: "GET",
  access: ["audit:read", "own"],
  audit: SUBSCRIBED,
  takes: "filter",
  query: FEED_QUERY,
} as const;
const FRAMES =
  '`{"type":"log","data":{…}}` (or `logs`), `position` (first, and with `live` when all that was recorded before is sent), `ping` after 30 s without another, `gap` (what retention removed, or a journal lost), and last `error` with its reason and the `position` to go on from.';

export const EVENT_STREAM_ROUTES: readonly Route[] = [
  route({
    ...FEED,
    path: "/admin/audit-logs/stream",
    opensFeed: "event_stream",
    about: `Events as they are recorded, as an event stream (SSE); \`Last-Event-ID\` is as good as \`after\`. ${FRAMES}`,
    answer: stream,
  }),
];

export const WEB_SOCKET_ROUTES: readonly Route[] = [
  route({
    ...FEED,
    path: "/admin/ws/audit-logs",
    opensFeed: "web_socket",
    about: `The same as a WebSocket. It closes with 1001 (Daybook stops), 1011 (the store could not be read), 4401 (the session or token is over), 4403 (what its holder may see has changed), 4408 (the reader is too slow); 1003, 1008 or 1009 for what a client should not send.`,
    answer: socket,
  }),
  route({
    method: "POST",
    path: "/admin/ws-tickets",
    access: ["audit:read", "own"],
    audit: { kind: "system", action: "ticket_given" },
    acts: true,
    status: 201,
    about: "A ticket that opens one feed within 30 seconds, for whoever asks.",
    answers: z.object({ ticket: z.string(), expires_at: z.iso.datetime() }),
    answer: giveTicket,
  }),
];

async function giveTicket({ identify, tickets }: Call) {
  if (identify === null) throw new TypeError("Tickets are for holders.");
  const { ticket, until } = tickets.give(identify);
  return { ticket, expires_at: isoTime(until) };
}

async function stream(call: FeedCall): Promise<void> {
  const { request, reply, audit, query } = call;
  if (request.method === "HEAD") {
    reply.type("text/event-stream; charset=utf-8").send("");
    return;
  }
  const lastId = request.headers["last-event-id"];
  const reader = await subscribe(call, typeof lastId === "string" ? lastId : query.after);
  await begun(reader, audit?.handOver(answered(200)));
  const carrier = openEventStream(reply, query.batch === "true", () => reader.leave());
  start(call, reader, carrier);
}

async function socket(call: FeedCall): Promise<void> {
  const { request, reply, audit, query } = call;
  checkHandshake(request.raw);
  const upgrade = upgradeOf(request.raw);
  const reader = await subscribe(call, query.after);
  await begun(reader, audit?.handOver(answered(101)));
  reply.hijack();
  upgrade.begin();
  const onGone = () => reader.leave();
  try {
    const together = query.batch === "true";
    start(call, reader, await openWebSocket(request.raw, upgrade, { together, onGone }));
  } catch {
    // Nobody is left to be told.
    reader.leave();
  }
}

async function subscribe(call: FeedCall, from: string | undefined): Promise<FeedReader> {
  const { parts, search, query, audit, feedPlaces } = call;
  const holder = holderOf(call);
  const filter = withinReach(holder, parseFilter(search, parts.now()));
  const names = filterNames(filter);
  if (names.length > 0) audit?.note({ metadata: { filters: names.join(",") } });
  const after = from === undefined ? null : parsePosition(from);
  if (from !== undefined && after === null)
    throw new Refusal("invalid_request", {
      detail: "The position to go on from is none that Daybook gave out: node_id=seq, with commas between.",
      errorType: "bad_position",
    });
  const recent = query.recent ?? (after === null ? RECENT : 0);
  const leave = feedPlaces.take(holder.id);
  try {
    const reader = await parts.feed.subscribe({ filter, hidden: hiddenFrom(holder) }, { after, recent });
    void reader.gone.then(leave);
    return reader;
  } catch (error) {
    leave();
    throw error;
  }
}

/** Waits for what must be so before the feed begins; without it there is none. */
async function begun(reader: FeedReader, recorded: Promise<void> | undefined): Promise<void> {
  try {
    await recorded;
  } catch (error) {
    reader.leave();
    throw error;
  }
}

function start(call: FeedCall, reader: FeedReader, carrier: Carrier): void {
  const { identify } = call;
  const holder = holderOf(call);
  void carry(reader, carrier, { endOf: () => (identify === null ? null : endOf(holder, identify)) });
}

/** Whether the holder of a feed is still the same, and may see the same. */
function endOf(holder: Holder, identify: () => Holder): FeedEnd | null {
  try {
    const now = identify();
    const isSame =
      now.id === holder.id &&
      now.userId === holder.userId &&
      holder.grants.symmetricDifference(now.grants).size === 0;
    return isSame ? null : "forbidden";
  } catch {
    return "unauthorized";
  }
}
