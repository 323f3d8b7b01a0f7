import assert from "node:assert/strict";
import { test } from "node:test";
import { contentBytes } from "../../src/protocols/content-bytes.ts";

test("generated text is measured in every protocol's events, as JSON writes it", () => {
  for (const [event, bytes] of [
    ['data: {"choices":[{"delta":{"content":"Fern"}}]}', 4],
    ['data: {"choices": [{"delta": {"role": "assistant", "content": "a\\"b\\\\"}}]}', 6],
    ['data: {"choices":[{"delta":{"reasoning_content":"hm","content":null}}]}', 2],
    ['data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{}"}}]}}]}', 2],
    ['data: {"choices":[{"text":"ab"},{"text":"c"}]}', 3],
    ['data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"Fern"}}', 4],
    ['data: {"delta":{"type":"input_json_delta","partial_json":"{\\"a"}}', 4],
    ['data: {"type":"response.output_text.delta","delta":"Fern"}', 4],
    ['data: {"choices":[{"delta":{},"finish_reason":"stop"}]}', 0],
    ['data: {"delta":{"content":"', 0],
    [": ping", 0],
  ] as const) {
    assert.equal(contentBytes(event), bytes, event);
  }
});
