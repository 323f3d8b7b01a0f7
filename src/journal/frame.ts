// A frame is one commit on disk: 16 bytes of head, then JSON lines.
//
//   0  4  magic "DAYB"
//   4  1  version (1)
//   5  3  zero
//   8  4  payload length, little-endian
//  12  4  CRC-32 (zlib's) of bytes 0–11 and the payload, little-endian
import { crc32 } from "node:zlib";
import type { Scratch } from "./scratch.ts";

const MAGIC = Buffer.from("DAYB");
const VERSION = 1;
export const FRAME_HEAD = 16;
const NEWLINE = 0x0a;
/** A larger length is damage: a commit holds at most a few thousand events of at most 64 KiB. */
const MAX_PAYLOAD = 1 << 30;

/** Of UTF-8, for a code unit. */
const MAX_UNIT_BYTES = 3;

/** The frame of these lines; in `scratch` where it is given. */
export function encodeFrame(lines: readonly string[], scratch?: Scratch): Buffer {
  let most = FRAME_HEAD;
  for (const line of lines) most += MAX_UNIT_BYTES * line.length + 1;
  const bytes = scratch?.bytes(most) ?? Buffer.allocUnsafe(most);
  let end = FRAME_HEAD;
  for (const line of lines) {
    if (end > FRAME_HEAD) bytes[end++] = NEWLINE;
    end += bytes.write(line, end);
  }
  const frame = bytes.subarray(0, end);
  MAGIC.copy(frame);
  frame.writeUInt32LE(VERSION, 4);
  frame.writeUInt32LE(end - FRAME_HEAD, 8);
  frame.writeUInt32LE(checksum(frame.subarray(0, 12), frame.subarray(FRAME_HEAD)), 12);
  return frame;
}

function checksum(head: Uint8Array, payload: Uint8Array): number {
  return crc32(payload, crc32(head));
}

/** `end`: nothing more; `short`: the bytes stop within a frame; `bad`: they are no frame. */
export type FrameRead =
  | { readonly is: "frame"; readonly payload: string; readonly next: number }
  | { readonly is: "end" | "short" | "bad" };

/** The frame at `offset`. */
export function readFrame(bytes: Buffer, offset: number): FrameRead {
  if (offset === bytes.length) return { is: "end" };
  const head = bytes.subarray(offset, offset + FRAME_HEAD);
  if (!MAGIC.subarray(0, head.length).equals(head.subarray(0, 4))) return { is: "bad" };
  if (head.length < FRAME_HEAD) return { is: "short" };
  const length = head.readUInt32LE(8);
  if (head[4] !== VERSION || length > MAX_PAYLOAD) return { is: "bad" };
  const next = offset + FRAME_HEAD + length;
  if (next > bytes.length) return { is: "short" };
  const payload = bytes.subarray(offset + FRAME_HEAD, next);
  if (checksum(head.subarray(0, 12), payload) !== head.readUInt32LE(12)) return { is: "bad" };
  return { is: "frame", payload: payload.toString(), next };
}

/** Whether a newer version of Daybook began this file. */
export function isNewer(bytes: Buffer): boolean {
  return bytes.length > 4 && MAGIC.equals(bytes.subarray(0, 4)) && (bytes[4] ?? 0) > VERSION;
}

/** Where the next whole frame begins, at or after `offset`; null when there is none. */
export function nextFrame(bytes: Buffer, offset: number): number | null {
  for (let at = bytes.indexOf(MAGIC, offset); at !== -1; at = bytes.indexOf(MAGIC, at + 1)) {
    if (readFrame(bytes, at).is === "frame") return at;
  }
  return null;
}
