// The body of a C2SP tlog-checkpoint: origin, size and root of a log, and in our own one extension line, the time of
// sealing, so that a heartbeat of a log that did not grow says something.
import { base64Of, fromBase64 } from "./bytes.ts";
import { HASH_BYTES } from "./proofs.ts";

export interface Checkpoint {
  /** Names the log for ever, and its key. */
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** UTC ms, by the clock of the node; null: the checkpoint does not say. */
  readonly at: number | null;
}

/** The origin of a node's log, also the name of its keys. */
export const originOf = (nodeId: string): string => `daybook/${nodeId}`;

export function writeCheckpoint({ origin, size, root, at }: Checkpoint): string {
  return `${origin}\n${size}\n${base64Of(root)}\n${at === null ? "" : `time ${at}\n`}`;
}

/** From a note's text; null when it is no checkpoint. Extension lines that are not known are let be. */
export function parseCheckpoint(text: string): Checkpoint | null {
  if (!text.endsWith("\n")) return null;
  const [origin = "", digits = "", encoded = "", ...extensions] = text.slice(0, -1).split("\n");
  const size = Number(digits);
  const root = fromBase64(encoded);
  if (origin === "" || !/^(?:0|[1-9]\d*)$/.test(digits) || !Number.isSafeInteger(size)) return null;
  if (root?.length !== HASH_BYTES || extensions.includes("")) return null;
  const [, time] = /^time (\d{1,15})$/.exec(extensions[0] ?? "") ?? [];
  return { origin, size, root, at: time === undefined ? null : Number(time) };
}
