// OCSF exports against the schema's own files.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openOcsf } from "../../../src/read/export/ocsf.ts";
import { withoutData } from "../../support/data.ts";
import { makeEvents } from "../../support/events.ts";
import { ocsfChecker } from "./ocsf-schema.ts";
import { linesOf } from "./readers.ts";

test("every event fits the class API Activity of OCSF 1.8", { skip: withoutData("ocsf") }, () => {
  const check = ocsfChecker("api_activity");
  const events = makeEvents({ nodeId: "0123456789abcdef", count: 400 });
  const text = String(
    openOcsf(null).rows(
      events.map(({ row }) => row),
      null,
    ),
  );
  const lines = linesOf(Buffer.from(text));
  assert.equal(lines.length, 400);
  for (const line of lines) {
    assert.deepEqual(check(line), []);
    assert.equal(line.type_uid, Number(line.class_uid) * 100 + Number(line.activity_id));
  }
  // The checker can say no.
  const { api: _, ...without } = lines[0] ?? {};
  assert.deepEqual(check({ ...without, severity_id: 77, more: 1 }).toSorted(), [
    "event.api is required",
    "event.more is unknown",
    "event.severity_id may not be 77",
  ]);
});
