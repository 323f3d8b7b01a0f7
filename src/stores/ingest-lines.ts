// How batches and seals travel to another Daybook: lines of JSON (NDJSON), the first of which says what the others are.
// Both ends are here, the sender's (stores/remote) and the receiver's (delivery/ingest-worker.ts).
import { DaybookError } from "../event/errors.ts";
import { type Cell, FIELDS } from "../event/fields.ts";
import { givenRow } from "../event/given-row.ts";
import type { JournalEvent } from "../event/leaf.ts";
import type { Batch, Position, Seal, StoredTile } from "./store.ts";

/** Of a body. A commit, which is never divided, holds a whole queue at most: 64 MiB. */
export const MAX_INGEST_BYTES = 96 * 2 ** 20;

const NODE_ID = /^[0-9a-f]{16}$/;
const ROOT = /^[0-9a-f]{64}$/;
const MAX_TILE_BYTES = 8192;
const MAX_LEVEL = 8;
const MAX_NOTE = 16_384;
const MAX_KEYS = 1_048_576;

/** What a first line says of its sender. */
export interface Head {
  readonly nodeId: string;
  readonly is: "events" | "seal";
}

type Members = Readonly<Record<string, unknown>>;

export function batchLines({ nodeId, events, from, to, lost = null }: Batch): string {
  const at = (position: Position | null) => position && { seq: position.seq, root: position.root };
  const head = {
    node_id: nodeId,
    from: at(from),
    to: at(to),
    ...(lost === null ? {} : { lost: { from_seq: lost.fromSeq, to_seq: lost.toSeq } }),
  };
  return [head, ...events.map(membersOf)].map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** An event's non-null cells by name, and its salts. */
function membersOf({ row, p1Salt, p2Salt }: JournalEvent): Members {
  const members: Record<string, Cell> = {};
  for (const [column, { name }] of FIELDS.entries()) {
    const cell = row[column] ?? null;
    if (cell !== null) members[name] = cell;
  }
  return { ...members, p1_salt: base64(p1Salt), p2_salt: base64(p2Salt) };
}

export function sealLines({ nodeId, tiles, checkpoint, keys }: Seal): string {
  const lines = tiles.map(({ level, index, hashes }) => ({ level, index, hashes: base64(hashes) }));
  return [{ node_id: nodeId, checkpoint, keys }, ...lines]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
}

/** Whose lines they are, from the first of them. Throws `bad_event`. */
export function headOf(bytes: Uint8Array): Head {
  const end = bytes.indexOf(10);
  const line = Buffer.from(bytes.buffer, bytes.byteOffset, end < 0 ? bytes.length : end).toString();
  const { node_id, to } = membersIn(line);
  if (typeof node_id !== "string" || !NODE_ID.test(node_id)) throw bad("node_id is 16 hex digits");
  return { nodeId: node_id, is: to === undefined ? "seal" : "events" };
}

/** The batch that the lines are. Throws `bad_event` or `content_refused`. */
export function parseBatch(bytes: Uint8Array): Batch {
  const [head, ...lines] = linesOf(bytes);
  const { from, to, lost, ...rest } = membersIn(head ?? "");
  const nodeId = nodeOf(rest);
  const batch = {
    nodeId,
    events: lines.map(eventIn),
    from: from === null || from === undefined ? null : positionOf(nodeId, from),
    to: positionOf(nodeId, to),
    lost: lost === null || lost === undefined ? null : lostOf(lost),
  };
  const { length } = batch.events;
  const before = batch.lost?.toSeq ?? batch.from?.seq ?? batch.to.seq - length;
  if (batch.to.seq - length !== before || before < 0) throw bad("the events do not lead from `from` to `to`");
  return batch;
}

/** Throws `bad_event`. */
export function parseSeal(bytes: Uint8Array): Seal {
  const [head, ...lines] = linesOf(bytes);
  const { checkpoint, keys = null, ...rest } = membersIn(head ?? "");
  const nodeId = nodeOf(rest);
  if (keys !== null && (typeof keys !== "string" || keys.length > MAX_KEYS)) throw bad("keys is a text");
  return {
    nodeId,
    tiles: lines.map(tileIn),
    checkpoint: checkpoint === null || checkpoint === undefined ? null : checkpointOf(checkpoint),
    keys,
  };
}

function eventIn(line: string): JournalEvent {
  const { p1_salt, p2_salt, ...cells } = membersIn(line);
  return { row: givenRow(cells), p1Salt: bytesOf(p1_salt, 16, 16), p2Salt: bytesOf(p2_salt, 16, 16) };
}

function tileIn(line: string): StoredTile {
  const { level, index, hashes, ...rest } = membersIn(line);
  refuseMore(rest);
  const isPlace = isCount(level) && level <= MAX_LEVEL && isCount(index);
  const bytes = bytesOf(hashes, 32, MAX_TILE_BYTES);
  if (!isPlace || bytes.length % 32 !== 0) throw bad("a tile has level, index and whole hashes");
  return { level, index, hashes: bytes };
}

function checkpointOf(given: unknown): NonNullable<Seal["checkpoint"]> {
  const { size, at, note, ...rest } = object(given);
  refuseMore(rest);
  if (!isCount(size) || !isCount(at) || typeof note !== "string" || note.length > MAX_NOTE)
    throw bad("a checkpoint has size, at and note");
  return { size, at, note };
}

function positionOf(nodeId: string, given: unknown): Position {
  const { seq, root, ...rest } = object(given);
  refuseMore(rest);
  if (!isCount(seq) || typeof root !== "string" || !ROOT.test(root))
    throw bad("a position has seq and root, 64 hex digits");
  return { nodeId, seq, root };
}

function lostOf(given: unknown): NonNullable<Batch["lost"]> {
  const { from_seq, to_seq, ...rest } = object(given);
  refuseMore(rest);
  if (!isCount(from_seq) || !isCount(to_seq)) throw bad("lost has from_seq and to_seq");
  return { fromSeq: from_seq, toSeq: to_seq };
}

function nodeOf({ node_id, ...rest }: Members): string {
  refuseMore(rest);
  return String(node_id);
}

function linesOf(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  return text.split("\n").filter((line) => line !== "");
}

function membersIn(line: string): Members {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw bad("a line is no JSON");
  }
  return object(value);
}

function object(value: unknown): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw bad("an object was expected");
}

function refuseMore(rest: Members): void {
  const [name] = Object.keys(rest);
  if (name !== undefined) throw bad(`there is no member ${JSON.stringify(name.slice(0, 64))}`);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function bytesOf(value: unknown, least: number, most: number): Uint8Array {
  const bytes = Buffer.from(typeof value === "string" ? value : "", "base64");
  if (bytes.length >= least && bytes.length <= most && base64(bytes) === value) return bytes;
  throw bad(`base64 of ${least} bytes or more was expected`);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function bad(detail: string): DaybookError {
  return new DaybookError("bad_event", detail);
}
