// Bytes compressed part by part. gzip: each part is a member of its own, which every reader concatenates (RFC 1952), so
// an export can go on after any of them. zstd: one frame for all, since many readers stop after the first.
import { once } from "node:events";
import { promisify } from "node:util";
import { constants, createZstdCompress, gzip } from "node:zlib";
import type { Compression } from "./formats.ts";

export interface Compressor {
  /** Whether what was made so far can be gone on with by another one. */
  readonly canGoOn: boolean;
  /** Call it for the parts in order, without waiting for those before. */
  part(bytes: Buffer, isLast: boolean): Promise<Buffer>;
}

const gzipped = promisify<Buffer, Buffer>(gzip);

export const openCompressor: Readonly<Record<Compression, () => Compressor>> = {
  none: () => ({ canGoOn: true, part: async (bytes) => bytes }),
  gzip: () => ({ canGoOn: true, part: async (bytes) => (bytes.length === 0 ? bytes : gzipped(bytes)) }),
  zstd: () => {
    const stream = createZstdCompress();
    let before: Promise<unknown> = Promise.resolve();
    const compressed = async (bytes: Buffer, isLast: boolean) => {
      const pieces: Buffer[] = [];
      const take = (piece: Buffer) => pieces.push(piece);
      stream.on("data", take);
      stream.write(bytes);
      if (isLast) {
        stream.end();
        await once(stream, "end");
      } else {
        await new Promise<void>((resolve) => stream.flush(constants.ZSTD_e_flush, resolve));
      }
      stream.off("data", take);
      return Buffer.concat(pieces);
    };
    return {
      canGoOn: false,
      part(bytes, isLast) {
        const made = before.then(() => compressed(bytes, isLast));
        before = made.catch(() => {});
        return made;
      },
    };
  },
};
