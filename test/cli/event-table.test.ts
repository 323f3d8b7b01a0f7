import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { eventTable, visible } from "../../src/cli/event-table.ts";
import { encodeRow } from "../../src/event/encode.ts";
import { eventOf, type Facts } from "../../src/event/fields.ts";
import { type EventJson, eventJson } from "../../src/event/json.ts";
import { failed } from "../../src/event/outcomes.ts";

function event(facts: Facts): EventJson {
  const made: Facts = {
    kind: "inference",
    action: "chat",
    timestamp: 0,
    requestId: "req_0123456789abcdef0123456789abcdef",
  };
  const row = encodeRow({ ...made, ...facts }, failed("client_disconnected"), { count: 0 });
  return eventJson({ ...eventOf(row), recorded_at: 0 });
}

const EVENTS = [
  event({
    model: "a-rather-long-model-name-of-a-vendor",
    userId: "somebody@example.com",
    totalTokens: 123456,
    durationMs: 7,
  }),
  event({ kind: "mcp", action: "tool", name: "search_everything_everywhere", backendType: "local" }),
];

test("no line is wider than the terminal, at any width", () => {
  for (let width = 40; width <= 240; width++) {
    for (const line of eventTable(EVENTS, { width, colour: true }).split("\n")) {
      assert.ok(stripVTControlCharacters(line).length <= width, `${width}: ${line}`);
    }
  }
});

test("a narrow terminal leaves out the least important columns, and cuts with a mark", () => {
  const head = (width: number) =>
    eventTable(EVENTS, { width, colour: false }).split("\n")[0]?.trim().split(/ {2,}/);
  assert.deepEqual(head(40), ["time", "status"]);
  assert.deepEqual(head(80), ["time", "action", "model", "status", "code", "ms"]);
  assert.deepEqual(head(240)?.length, 11);
  assert.match(eventTable(EVENTS, { width: 80, colour: false }), /a-rather-lo…/);
});

test("a wide enough terminal and a pipe cut nothing", () => {
  for (const width of [240, null]) {
    const text = eventTable(EVENTS, { width, colour: false });
    for (const whole of [
      "a-rather-long-model-name-of-a-vendor",
      "tool search_everything_everywhere",
      "req_0123456789abcdef0123456789abcdef",
    ]) {
      assert.ok(text.includes(whole), `${width}: ${whole}`);
    }
  }
});

test("wide characters keep the columns in line and are whole in a pipe", () => {
  const wide = "数据分析部门的用户";
  const events = [event({ userId: wide }), event({ userId: "ann" })];
  for (const width of [240, null]) {
    const [, first = "", second = ""] = eventTable(events, { width, colour: false }).split("\n");
    assert.ok(first.includes(wide));
    assert.equal(
      first.indexOf("req_") + wide.length,
      second.indexOf("req_"),
      "each wide character takes two columns",
    );
  }
});

test("no text of an event can steer the terminal", () => {
  const text = "a\u001b[2J\u0007b\u009b1mc\u202Ed\r\n";
  assert.equal(visible(text), "a\uFFFD[2J\uFFFDb\uFFFD1mc\uFFFDd\uFFFD\uFFFD");
  const shown = eventTable([{ ...event({}), user_id: text, request_id: text }], {
    width: 200,
    colour: false,
  });
  assert.equal(shown.split("\n").length, 3);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (any) => {
      assert.doesNotMatch(visible(any), /[\p{Cc}\u202A-\u202E\u2066-\u2069]/u);
    }),
  );
});
