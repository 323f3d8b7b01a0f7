// A real store in a folder of its own, filled with events that a test names.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeRow } from "../../src/event/encode.ts";
import { COLUMN, type Facts, SCHEMA_VERSION } from "../../src/event/fields.ts";
import { newEventId } from "../../src/event/ids.ts";
import { answered, type Outcome } from "../../src/event/outcomes.ts";
import { openStore } from "../../src/stores/open-store.ts";
import type { Store } from "../../src/stores/store.ts";

export const NODE_ID = "0123456789abcdef";
/** When the first event of a trail is recorded; each next one a second later. */
export const START = Date.UTC(2026, 0, 31, 12, 0, 0);

export type Past = Facts & { readonly outcome?: Outcome };

export interface Trail extends AsyncDisposable {
  readonly folder: string;
  readonly address: string;
  /** Appends events, each recorded a second after the one before; their ids. */
  append(...events: Past[]): Promise<string[]>;
}

export async function makeTrail(...events: Past[]): Promise<Trail> {
  const folder = await mkdtemp(join(tmpdir(), "daybook-trail-"));
  const address = `sqlite:${join(folder, "events.db")}`;
  const store = await openStore(address, "write");
  let seq = 0;
  const append = async (...more: Past[]): Promise<string[]> => {
    const ids = await appendTo(store, seq, more);
    seq += more.length;
    return ids;
  };
  if (events.length > 0) await append(...events);
  return {
    folder,
    address,
    append,
    async [Symbol.asyncDispose]() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function appendTo(store: Store, seq: number, events: readonly Past[]): Promise<string[]> {
  const rows = events.map(({ outcome, ...facts }, index) => {
    const at = START + 1000 * (seq + index);
    const made = {
      eventId: newEventId(),
      kind: "inference",
      action: "chat",
      count: 1,
      timestamp: at,
    } as const;
    const misfits = { count: 0 };
    const row = encodeRow(
      { ...made, requestId: "r", policyDecision: "n/a", ...facts },
      outcome ?? answered(),
      misfits,
    );
    if (misfits.count > 0) throw new Error(`a test's event does not fit: ${JSON.stringify(facts)}`);
    row[COLUMN.node_id] = NODE_ID;
    row[COLUMN.seq] = seq + index + 1;
    row[COLUMN.schema_version] = SCHEMA_VERSION;
    row[COLUMN.recorded_at] = at;
    return row;
  });
  const salt = new Uint8Array(16);
  const position = (at: number) => ({ nodeId: NODE_ID, seq: at, root: at.toString(16).padStart(64, "0") });
  const { result } = await store.append({
    nodeId: NODE_ID,
    events: rows.map((row) => ({ row, p1Salt: salt, p2Salt: salt })),
    from: seq === 0 ? null : position(seq),
    to: position(seq + rows.length),
  });
  if (result !== "appended") throw new Error("the trail was not at its end");
  return rows.map((row) => String(row[COLUMN.event_id]));
}
