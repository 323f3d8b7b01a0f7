// Exports of a filter, in the format whose turn it is: read back by somebody else's reader, field by field the same.
import assert from "node:assert/strict";
import { Client } from "undici";
import type { AuditEvent } from "../../src/event/fields.ts";
import type { EventFilter } from "../../src/query/filter.ts";
import { writeFilter } from "../../src/query/parameters.ts";
import { FORMAT_NAMES, FORMATS, type FormatName } from "../../src/read/export/formats.ts";
import type { Store } from "../../src/stores/store.ts";
import { TOKENS } from "../api/served-api.ts";
import { READERS } from "../read/export/readers.ts";
import { assertEvents } from "./world.ts";

/** Over HTTP, whole. */
export async function checkExport(
  url: string,
  filter: EventFilter,
  expected: readonly AuditEvent[],
  index: number,
): Promise<void> {
  const format = FORMAT_NAMES[index % FORMAT_NAMES.length] as FormatName;
  const parameters = new URLSearchParams([...writeFilter(filter), ["format", format]]);
  // A connection of its own: what others left open may be closed by now.
  const client = new Client(url);
  const { statusCode, body } = await client.request({
    path: `/admin/audit-logs/export?${parameters}`,
    method: "GET",
    headers: { authorization: `Bearer ${TOKENS.admin}` },
  });
  const bytes = Buffer.from(await body.arrayBuffer());
  await client.close();
  assert.equal(statusCode, 200, bytes.toString());
  assertEvents(await READERS[format](bytes), expected, `${format} ${JSON.stringify(filter)}`);
}

/** Formats whose reader costs little. */
const TEXT_FORMATS = FORMAT_NAMES.filter((name) => name !== "parquet");
const ROWS = 30;

/** What the thread of an export does, without one for each filter: the newest of its events, encoded. */
export async function checkEncoded(
  store: Store,
  filter: EventFilter,
  expected: readonly AuditEvent[],
  index: number,
): Promise<void> {
  const format = TEXT_FORMATS[index % TEXT_FORMATS.length] as FormatName;
  const { rows } = await store.rows({ ...filter, limit: ROWS });
  const encoder = FORMATS[format].open(null);
  const parts = [encoder.head(), encoder.rows(rows, null), encoder.end()];
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const events = await READERS[format](bytes);
  assertEvents(events, expected.slice(0, ROWS), `${format} ${JSON.stringify(filter)}`);
}
