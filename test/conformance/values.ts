// Values come back as they went in, to the bit: a leaf is recomputed from what the store returns.
import assert from "node:assert/strict";
import { FIELDS } from "../../src/event/fields.ts";
import { leafText } from "../../src/event/leaf.ts";
import { Frontier, leafHash } from "../../src/evidence/merkle.ts";
import { NodeLog } from "../support/events.ts";
import { appendAll, appendNext, type Cases, eventsOf, found, perEntry } from "./case.ts";

const NODE = "00000000000000a1";

/** Fields whose text is kept alone (`justification`), as a repeating value (`user_id`) and as JSON (`metadata`). */
const TEXT_FIELDS = ["justification", "user_id", "metadata"] as const;

const TEXTS: Readonly<Record<string, string>> = {
  "a letter and an accent apart": "e\u0301 is not \u00e9",
  "right to left": "\u05e9\u05dc\u05d5\u05dd \u202eabc\u202c \u0645\u0631\u062d\u0628\u0627",
  "emoji of several code points": "👩‍👩‍👧‍👦 🏳️‍🌈 🇻🇳",
  "every plane": Array.from({ length: 17 }, (_, plane) =>
    String.fromCodePoint(plane * 0x10000 + 0xfffd),
  ).join(""),
  "edges of UTF-8 lengths": "\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}",
  "noncharacters and a byte order mark": "\ufeff\ufffe\uffff",
  "control characters": "\u0001\u0008\t\n\r\u001b[31m\u007f\u0085\u2028",
  "quotes and SQL": `'; DROP TABLE events; -- "x" \\ % _ ? $1 :name`,
  "64 KiB of one byte each": "x".repeat(65_536),
  "64 KiB of four bytes each": "𝄞".repeat(16_384),
  "digits that look like a number": "007",
  "spaces around": "  x ",
  "the replacement character": "\ufffd",
};

export const VALUES: Cases = {
  ...perEntry(TEXTS, (name, text) => [
    `text comes back and is found: ${name}`,
    async (open) => {
      const store = await open();
      const log = new NodeLog(NODE);
      await appendNext(store, log, 3, (seq) => ({ [TEXT_FIELDS[seq - 1] ?? ""]: text }));
      for (const [index, field] of TEXT_FIELDS.entries()) {
        assert.deepEqual(
          await found(store, { where: { [field]: [text] } }),
          eventsOf(log.events.slice(index, index + 1)),
        );
      }
    },
  ]),

  "integers come back exactly, from 0 to the largest safe one": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const numbers = [
      0,
      1,
      127,
      128,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32,
      2 ** 48,
      2 ** 53 - 2,
      Number.MAX_SAFE_INTEGER,
    ];
    await appendNext(store, log, numbers.length, (seq) => ({ cost_micros: numbers[seq - 1] ?? null }));
    assert.deepEqual(
      await found(store),
      eventsOf(log.events).sort((a, b) => b.recorded_at - a.recorded_at || b.seq - a.seq),
    );
    for (const [index, number] of numbers.entries()) {
      const events = await found(store, { where: { cost_micros: [number] } });
      assert.deepEqual(events, eventsOf(log.events.slice(index, index + 1)));
    }
  },

  "times at the ends of their range come back and are found": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendNext(store, log, 2, (seq) => ({ recorded_at: seq === 1 ? 0 : Number.MAX_SAFE_INTEGER }));
    const [oldest, newest] = eventsOf(log.events);
    assert.deepEqual(await found(store), [newest, oldest]);
    assert.deepEqual(await found(store, { since: Number.MAX_SAFE_INTEGER }), [newest]);
    assert.deepEqual(await found(store, { until: 0 }), [oldest]);
  },

  "null, the empty string, 0 and false are four values": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const nulls = { name: null, justification: null, cached_tokens: null, streaming: null };
    const zeros = { name: "", justification: "", cached_tokens: 0, streaming: false };
    await appendNext(store, log, 2, (seq) => (seq === 1 ? nulls : zeros));
    const [first, second] = eventsOf(log.events);
    assert.deepEqual(await found(store), [second, first]);
    for (const [name, zero] of Object.entries(zeros)) {
      assert.deepEqual(await found(store, { where: { [name]: [null] } }), [first], name);
      assert.deepEqual(await found(store, { where: { [name]: [zero] } }), [second], name);
    }
  },

  "every leaf is recomputed from the store, and their root is the position's": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    const sparse = Object.fromEntries(
      FIELDS.flatMap((field) => ("required" in field ? [] : [[field.name, null]])),
    );
    await appendAll(
      store,
      log.next(33),
      log.next(3, () => sparse),
      log.next(64),
    );
    const frontier = new Frontier();
    for (const event of log.events) {
      const source = await store.leafSource(String(event.row[0]));
      assert.ok(source);
      assert.deepEqual(source.row, event.row);
      const leaf = leafText(source.row, source.p1Salt, source.p2Salt);
      assert.equal(leaf, leafText(event.row, event.p1Salt, event.p2Salt));
      frontier.append(leafHash(leaf));
    }
    assert.deepEqual(await store.positions(), [{ nodeId: NODE, seq: 100, root: frontier.root() }]);
  },

  "an event is read by its id, of any kind; an unknown id gives null": async (open) => {
    const store = await open();
    const log = new NodeLog(NODE);
    await appendNext(store, log, 3, () => ({ kind: "system" }));
    for (const event of eventsOf(log.events)) assert.deepEqual(await store.get(event.event_id), event);
    for (const id of ["0190a000-0000-7000-8000-000000000000", "", "x", "'", "0".repeat(36)]) {
      assert.equal(await store.get(id), null);
      assert.equal(await store.leafSource(id), null);
    }
  },
};
