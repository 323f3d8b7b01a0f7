// An export bundle: events with all that is needed to verify them, as JSON lines. First what it is, then each log
// (`log`, which says where it ends), its tiles (`tile`), and the events (`event`).
import { parsePruned } from "../event/pruned.ts";
import { base64Of, fromBase64 } from "./bytes.ts";
import { type LeafSource, leafOfSource, metadataOf } from "./event-leaf.ts";
import type { FoundLog } from "./log-check.ts";
import type { Sha256 } from "./note.ts";
import { type FoundEvent, type Place, strangeEvent } from "./verify.ts";

export const BUNDLE_FORMAT = "daybook-bundle/1";

export interface BundledLog {
  readonly node_id: string;
  readonly keys: string | null;
  readonly checkpoints: readonly string[];
  readonly end: { readonly seq: number; readonly root: string } | null;
}

interface BundledTile {
  readonly node_id: string;
  readonly level: number;
  readonly index: number;
  readonly hashes: string;
}

export type BundleLine =
  | { readonly format: typeof BUNDLE_FORMAT; readonly made_at: number }
  | { readonly log: BundledLog }
  | { readonly tile: BundledTile }
  | { readonly event: LeafSource };

export function tileLine(nodeId: string, level: number, index: number, hashes: Uint8Array): BundleLine {
  return { tile: { node_id: nodeId, level, index, hashes: base64Of(hashes) } };
}

/** Null: the line is none of a bundle. */
function parseLine(text: string): BundleLine | null {
  try {
    const line = JSON.parse(text) as Partial<Record<"format" | "log" | "tile" | "event", unknown>> | null;
    if (line === null || typeof line !== "object") return null;
    const isSound =
      "log" in line
        ? isLog(line.log)
        : "tile" in line
          ? isTile(line.tile)
          : "event" in line || "format" in line;
    return isSound ? (line as BundleLine) : null;
  } catch {
    return null;
  }
}

function isLog(value: unknown): value is BundledLog {
  const { node_id: nodeId, keys, checkpoints, end } = (value ?? {}) as Partial<BundledLog>;
  const isEnd = end === null || (Number.isSafeInteger(end?.seq) && typeof end?.root === "string");
  const areNotes = Array.isArray(checkpoints) && checkpoints.every((note) => typeof note === "string");
  return typeof nodeId === "string" && (keys === null || typeof keys === "string") && areNotes && isEnd;
}

function isTile(value: unknown): value is BundledTile {
  const { node_id: nodeId, level, index, hashes } = (value ?? {}) as Partial<BundledTile>;
  return (
    typeof nodeId === "string" &&
    typeof level === "number" &&
    typeof index === "number" &&
    typeof hashes === "string"
  );
}

/**
 * A bundle as a place to verify. `lines` gives its lines from the first, each time it is called; they are read twice,
 * for the events are not kept. A line that is none of a bundle is an event that cannot be one.
 */
export async function bundlePlace(
  name: string,
  lines: () => AsyncIterable<string>,
  sha256: Sha256,
): Promise<Place> {
  const logs: BundledLog[] = [];
  const tiles = new Map<string, Uint8Array>();
  for await (const text of lines()) {
    const line = parseLine(text);
    if (line !== null && "log" in line) logs.push(line.log);
    else if (line !== null && "tile" in line) {
      const { node_id: nodeId, level, index, hashes } = line.tile;
      tiles.set(`${nodeId}/${level}/${index}`, fromBase64(hashes) ?? new Uint8Array());
    }
  }
  return {
    name,
    logs: logs.map(
      (log): FoundLog => ({
        nodeId: log.node_id,
        place: name,
        keys: log.keys,
        checkpoints: log.checkpoints,
        end: log.end,
        firstSeq: 1,
        tile: async (level, index) => tiles.get(`${log.node_id}/${level}/${index}`) ?? null,
      }),
    ),
    async *events() {
      for await (const text of lines()) {
        const line = parseLine(text);
        if (line === null) yield [strangeEvent(logs[0]?.node_id ?? "")];
        else if ("event" in line) yield [foundEvent(line.event, logs[0]?.node_id ?? "", sha256)];
      }
    },
  };
}

function foundEvent(source: LeafSource, nodeId: string, sha256: Sha256): FoundEvent {
  const leaf = leafOfSource(source, sha256);
  if (leaf === null) return strangeEvent(nodeId);
  const { kind, action } = source.public;
  const isPruned = kind === "system" && action === "pruned";
  return { ...leaf, pruned: isPruned ? parsePruned(metadataOf(source)) : null };
}
