// The thread behind exporter.ts: reads a store part by part, encodes and compresses, and hands the bytes over, never
// more of them than were asked for. One export, then it ends.
import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { DaybookError, type DaybookErrorCode, nativeCode } from "../../event/errors.ts";
import { COLUMN, type FieldName, type Row } from "../../event/fields.ts";
import type { AsOf, EventFilter, EventKey } from "../../query/filter.ts";
import { openStore } from "../../stores/open-store.ts";
import type { Store } from "../../stores/store.ts";
import { giveWay } from "../../threads/give-way.ts";
import { openCompressor } from "./compressor.ts";
import type { Alike } from "./encoder.ts";
import { type FileForm, FORMATS } from "./formats.ts";

/** What is exported: of one moment, `asOf`, or of now. */
export interface ExportOrder extends FileForm {
  readonly filter: EventFilter;
  readonly asOf?: AsOf | undefined;
  /** Only what an export as of then did not have. */
  readonly beyond?: AsOf | undefined;
  /** Fields that are written as if they had no value: for somebody who may not see them. */
  readonly hidden?: readonly FieldName[];
  /** Events that a chunk holds, unless the format's own number is right; for tests. */
  readonly partRows?: number;
  /** Goes on after what was written before. */
  readonly from?: ExportPoint | undefined;
}

/** Where an export can be gone on with: after a chunk. JSON. */
export interface ExportPoint {
  readonly rows: number;
  readonly bytes: number;
  readonly after: EventKey | null;
  readonly asOf: AsOf;
  /** Of the encoder. */
  readonly state: unknown;
  /** Whether an export can go on from here; else it begins again. */
  readonly canGoOn: boolean;
}

export interface ExportSummary {
  readonly rows: number;
  readonly bytes: number;
  /** Lowercase hex, of the bytes of this run: of all of them when it began at the beginning. */
  readonly sha256: string;
  readonly asOf: AsOf;
}

export type FromWorker =
  | { readonly what: "chunk"; readonly bytes: Uint8Array; readonly point: ExportPoint }
  | { readonly what: "end"; readonly summary: ExportSummary }
  | { readonly what: "failed"; readonly code: DaybookErrorCode; readonly detail: string };

interface Given {
  readonly address: string;
  readonly order: ExportOrder;
}

/** Pages of the store: long enough that asking costs nothing. */
const PAGE_ROWS = 5000;

/** Chunks that may be handed over; each message grants one more. */
let granted = 0;
let wake = Promise.withResolvers<void>();
parentPort?.on("message", () => {
  granted++;
  wake.resolve();
});

async function handOver(bytes: Uint8Array<ArrayBuffer>, point: ExportPoint): Promise<void> {
  while (granted === 0) {
    wake = Promise.withResolvers();
    await wake.promise;
  }
  granted--;
  parentPort?.postMessage({ what: "chunk", bytes, point } satisfies FromWorker, [bytes.buffer]);
}

async function run({ address, order }: Given): Promise<ExportSummary> {
  const store = await openStore(address, "read");
  try {
    return await exported(store, order);
  } finally {
    await store.close();
  }
}

interface Part {
  readonly bytes: Buffer;
  readonly rows: number;
  readonly after: EventKey | null;
  readonly asOf: AsOf;
  readonly state: unknown;
}

async function exported(store: Store, order: ExportOrder): Promise<ExportSummary> {
  const hash = createHash("sha256");
  const compressor = openCompressor[order.compression]();
  let { rows, bytes, asOf }: Pick<ExportPoint, "rows" | "bytes" | "asOf"> = order.from ?? {
    rows: 0,
    bytes: 0,
    asOf: {},
  };
  const emit = async (part: Part, compressed: Buffer) => {
    hash.update(compressed);
    rows += part.rows;
    bytes += compressed.length;
    asOf = part.asOf;
    const { after, state } = part;
    await handOver(ownBytes(compressed), { rows, bytes, after, asOf, state, canGoOn: compressor.canGoOn });
  };
  // While one part is compressed, on a thread of its own, the next one is read.
  let before: { part: Part; compressed: Promise<Buffer> } | null = null;
  for await (const part of parts(store, order)) {
    const compressed = compressor.part(part.bytes, part.after === null);
    compressed.catch(() => {});
    if (before !== null) await emit(before.part, await before.compressed);
    before = { part, compressed };
  }
  if (before !== null) await emit(before.part, await before.compressed);
  return { rows, bytes, sha256: hash.digest("hex"), asOf };
}

/** Bytes that can be handed to another thread: a copy where they share their memory with others. */
function ownBytes(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength
    ? new Uint8Array(buffer)
    : new Uint8Array(bytes);
}

async function* parts(
  store: Store,
  {
    filter,
    beyond,
    hidden = [],
    format,
    from,
    asOf: given,
    partRows = FORMATS[format].partRows,
  }: ExportOrder,
): AsyncGenerator<Part> {
  const { open } = FORMATS[format];
  const encoder = open(from?.state ?? null);
  const more = beyond === undefined ? {} : { beyond };
  let after = from?.after ?? null;
  let asOf = from?.asOf ?? given;
  let isOver = from !== undefined && after === null;
  let waiting: Row[] = [];
  let alike: Alike = [];
  let head = from === undefined ? encoder.head() : "";
  while (!isOver) {
    const limit = Math.min(PAGE_ROWS, partRows);
    const page = await store.rows({
      ...filter,
      ...more,
      limit,
      ...(after ? { after } : {}),
      ...(asOf ? { asOf } : {}),
    });
    for (const row of page.rows) for (const name of hidden) row[COLUMN[name]] = null;
    alike = page.alike === null || alike === null ? null : [...alike, ...page.alike];
    waiting = waiting.length === 0 ? page.rows : [...waiting, ...page.rows];
    after = page.next;
    asOf = page.asOf;
    isOver = after === null;
    if (waiting.length < partRows && !isOver) continue;
    const made = [head, encoder.rows(waiting, alike), isOver ? encoder.end() : ""];
    head = "";
    yield { bytes: joined(made), rows: waiting.length, after, asOf, state: encoder.state };
    waiting = [];
    alike = [];
  }
}

/** All of it as bytes, without a copy where it is one piece. */
function joined(made: readonly (string | Uint8Array)[]): Buffer {
  const pieces = made.filter(({ length }) => length > 0).map(bytesOf);
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
}

function bytesOf(made: string | Uint8Array): Buffer {
  return typeof made === "string"
    ? Buffer.from(made)
    : Buffer.from(made.buffer, made.byteOffset, made.byteLength);
}

giveWay();
try {
  const summary = await run(workerData as Given);
  parentPort?.postMessage({ what: "end", summary } satisfies FromWorker);
} catch (error) {
  const [code, detail] =
    error instanceof DaybookError
      ? [error.code, error.detail]
      : (["worker_failed", `the store could not be exported (${nativeCode(error)})`] as const);
  parentPort?.postMessage({ what: "failed", code, detail } satisfies FromWorker);
}
parentPort?.close();
