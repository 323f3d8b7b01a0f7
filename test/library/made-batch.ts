// A batch as a shipper would make it: events of a real journal.
import { join } from "node:path";
import { answered } from "../../src/event/outcomes.ts";
import { realFiles } from "../../src/journal/files.ts";
import { JournalTail } from "../../src/journal/tail.ts";
import { createRecorder } from "../../src/library/index.ts";
import { batchLines } from "../../src/stores/ingest-lines.ts";
import type { Batch } from "../../src/stores/store.ts";
import { tempFolder } from "../support/temp.ts";

export async function unshippedOf(
  count: number,
): Promise<{ readonly batch: Batch; readonly lines: string[] }> {
  const folder = tempFolder();
  const recorder = await createRecorder({ folder });
  for (let n = 0; n < count; n++)
    recorder.log({ kind: "api", action: "request", userId: "ann" }, answered(200));
  await recorder.close();
  const tail = new JournalTail({
    files: realFiles,
    folder: join(folder, "nodes", "0", "journal"),
    durableLsn: () => Number.MAX_SAFE_INTEGER,
    segments: () => 1,
  });
  tail.seek(null);
  const read = tail.read(1);
  tail.close();
  if (read === null) throw new Error("nothing was recorded");
  const { nodeId } = recorder;
  const batch = { nodeId, events: read.events, from: null, to: { nodeId, seq: read.seq, root: read.root } };
  return { batch, lines: batchLines(batch).split(/(?<=\n)/) };
}
