// The thread behind feed.ts: reads what comes into the store once, whoever listens, and makes the text that each view of
// it shows. A reader that begins is brought up to where the others are, part by part as it asks, and then goes with them.
// It ends by itself after `close`.
import { parentPort, workerData } from "node:worker_threads";
import { DaybookError } from "../event/errors.ts";
import type { FeedGap, FeedPosition } from "../event/feed.ts";
import type { AuditEvent } from "../event/fields.ts";
import { eventJson, without } from "../event/json.ts";
import { matcherOf } from "../query/matches.ts";
import { openStore } from "../stores/open-store.ts";
import type { Store } from "../stores/store.ts";
import type { EventTexts, FeedView, FromFeed, ToFeed } from "./feed-messages.ts";

export interface FeedWorkerData {
  readonly address: string;
  /** How often the store is looked at when nobody says that something came. */
  readonly pollMs: number;
}

interface View {
  readonly matches: (event: AuditEvent) => boolean;
  readonly view: FeedView;
}

interface Reader extends View {
  readonly viewKey: string;
  at: FeedPosition;
  isLive: boolean;
}

const { address, pollMs } = workerData as FeedWorkerData;
const PART = 1000;
/** Pages that are looked through for recent events: a filter that finds little shows few of them. */
const RECENT_PAGES = 4;
const encoder = new TextEncoder();
const readers = new Map<number, Reader>();
let opening: Promise<Store> | null = null;
/** How far those that are live are, another object whenever they go on; null: nobody listens. */
let level: FeedPosition | null = null;
let advancing: Promise<void> | null = null;
let isLate = false;

const poll = setInterval(() => void advance(), pollMs);

function say(message: FromFeed, ...texts: (EventTexts | null)[]): void {
  const buffers = texts.flatMap((each) => (each === null ? [] : [each.text.buffer]));
  parentPort?.postMessage(message, buffers);
}

async function store(): Promise<Store> {
  opening ??= openStore(address, "read");
  try {
    return await opening;
  } catch (error) {
    opening = null;
    throw error;
  }
}

/** Tells those that are live what came; one run at a time, which another that is asked for meanwhile prolongs. */
function advance(): Promise<void> {
  isLate = true;
  advancing ??= follow().finally(() => {
    advancing = null;
  });
  return advancing;
}

async function follow(): Promise<void> {
  try {
    while (isLate && level !== null) {
      isLate = false;
      const from: FeedPosition = level;
      const { events, at, isLevel } = await (await store()).follow(from, null, PART);
      if (!isLevel) isLate = true;
      const gaps = gapsOf(events, from, at, isLevel);
      if (events.length === 0 && gaps.length === 0) continue;
      level = at;
      tell(events, from, at, gaps);
    }
  } catch (error) {
    // What could not be read now is read at the next call.
    say({ is: "failed", id: null, code: codeOf(error) });
  }
}

function tell(
  events: readonly AuditEvent[],
  from: FeedPosition,
  at: FeedPosition,
  gaps: readonly FeedGap[],
): void {
  const made = new Texts();
  const views = new Map<string, View>();
  for (const reader of readers.values()) if (reader.isLive) views.set(reader.viewKey, reader);
  const shown = [...views].flatMap(([viewKey, view]) => {
    const texts = made.of(events.filter(view.matches), view.view);
    return texts === null ? [] : [{ viewKey, events: texts }];
  });
  if (views.size === 0) return;
  say({ is: "live", from, at, gaps, views: shown }, ...shown.map(({ events: texts }) => texts));
}

async function begin({ id, viewKey, view, after, recent }: ToFeed & { is: "begin" }): Promise<void> {
  const reader: Reader = { view, viewKey, matches: matcherOf(view.filter), at: {}, isLive: false };
  readers.set(id, reader);
  const opened = await store();
  level ??= positionOf(await opened.positions());
  await advance();
  const at = after ?? level;
  reader.at = at;
  const shown = new Texts().of(await recentOf(opened, view, at, recent), view);
  say({ is: "begun", id, at, recent: shown }, shown);
}

/** The newest events as of a position, oldest first. */
async function recentOf(
  opened: Store,
  { filter }: FeedView,
  asOf: FeedPosition,
  recent: number,
): Promise<AuditEvent[]> {
  const found: AuditEvent[] = [];
  let after = {};
  for (let page = 0; page < RECENT_PAGES && found.length < recent; page++) {
    const { events, next } = await opened.query({ ...filter, ...after, asOf, limit: recent - found.length });
    found.push(...events);
    if (next === null) break;
    after = { after: next };
  }
  return found.reverse();
}

async function more({ id }: ToFeed & { is: "more" }): Promise<void> {
  const reader = readers.get(id);
  if (reader === undefined || reader.isLive || level === null) return;
  const from = reader.at;
  const upTo = level;
  const { events, at, isLevel } = await (await store()).follow(from, upTo, PART);
  reader.at = at;
  const gaps = gapsOf(events, from, at, isLevel);
  // Those that are live may have gone on meanwhile: then there is one more part.
  reader.isLive = isLevel && level === upTo;
  const shown = new Texts().of(events.filter(reader.matches), reader.view);
  say({ is: "part", id, part: { events: shown, gaps, from, at }, live: reader.isLive }, shown);
}

function end(id: number): void {
  readers.delete(id);
  if (readers.size === 0) level = null;
}

/** What is missing between two positions, for each node one gap. `isLevel`: also behind the last event. */
function gapsOf(
  events: readonly AuditEvent[],
  from: FeedPosition,
  at: FeedPosition,
  isLevel: boolean,
): FeedGap[] {
  const gaps = new Map<string, FeedGap>();
  const last = new Map(Object.entries(from));
  const miss = (nodeId: string, next: number) => {
    const known = last.get(nodeId) ?? 0;
    const missing = next - known - 1;
    if (missing <= 0) return;
    const before = gaps.get(nodeId);
    gaps.set(nodeId, {
      node_id: nodeId,
      from_seq: before?.from_seq ?? known + 1,
      to_seq: next - 1,
      missing: (before?.missing ?? 0) + missing,
    });
  };
  for (const { node_id: nodeId, seq } of events) {
    miss(nodeId, seq);
    last.set(nodeId, seq);
  }
  if (isLevel) for (const [nodeId, seq] of Object.entries(at)) miss(nodeId, seq + 1);
  return [...gaps.values()];
}

function positionOf(positions: readonly { readonly nodeId: string; readonly seq: number }[]): FeedPosition {
  return Object.fromEntries(positions.map(({ nodeId, seq }) => [nodeId, seq]));
}

/** The text of events, made once for all views that show the same of them. */
class Texts {
  readonly #made = new Map<string, Map<AuditEvent, Uint8Array>>();

  of(events: readonly AuditEvent[], { hidden }: FeedView): EventTexts | null {
    if (events.length === 0) return null;
    const key = hidden.join();
    const made = this.#made.get(key) ?? new Map<AuditEvent, Uint8Array>();
    this.#made.set(key, made);
    const bytes = events.map((event) => {
      const known = made.get(event) ?? encoder.encode(JSON.stringify(eventJson(without(event, hidden))));
      made.set(event, known);
      return known;
    });
    const text = new Uint8Array(bytes.reduce((sum, { length }) => sum + length + 1, 1));
    const ends: number[] = [];
    let at = 0;
    for (const each of bytes) {
      text[at] = at === 0 ? BRACKET : COMMA;
      text.set(each, at + 1);
      at += each.length + 1;
      ends.push(at);
    }
    text[at] = CLOSING;
    const nodeIds = events.map(({ node_id }) => node_id);
    return { text, ends, nodeIds, seqs: events.map(({ seq }) => seq) };
  }
}

const [BRACKET, COMMA, CLOSING] = [0x5b, 0x2c, 0x5d];

function codeOf(error: unknown): string {
  return error instanceof DaybookError ? error.code : "worker_failed";
}

parentPort?.on("message", async (message: ToFeed) => {
  switch (message.is) {
    case "wake":
      return void (await advance());
    case "end":
      return end(message.id);
    case "close":
      clearInterval(poll);
      await opening?.then((opened) => opened.close()).catch(() => {});
      return parentPort?.close();
    default:
      try {
        await (message.is === "begin" ? begin(message) : more(message));
      } catch (error) {
        end(message.id);
        say({ is: "failed", id: message.id, code: codeOf(error) });
      }
  }
});
