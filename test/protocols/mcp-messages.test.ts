import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { headerProblem } from "../../src/gateway/mcp/headers.ts";
import { isMcpRefusal, type McpBody, readMcp } from "../../src/protocols/mcp-messages.ts";

const readText = (text: string) => readMcp(Buffer.from(text));
const readValue = (value: unknown) => readText(JSON.stringify(value));
const VERSION = "io.modelcontextprotocol/protocolVersion";

function bodyOf(value: unknown): McpBody {
  const read = readValue(value);
  assert.ok(!isMcpRefusal(read));
  return read;
}

test("a request says what it asks for, and of whom", () => {
  const parent = "01890a5d-ac96-774b-bcce-b302099a8057";
  const traceparent = `00-${"ab".repeat(16)}-${"cd".repeat(8)}-00`;
  const { messages } = bodyOf({
    jsonrpc: "2.0",
    id: "a",
    method: "tools/call",
    params: { name: "t", arguments: { x: 1 }, _meta: { "daybook/parent_event_id": parent, traceparent } },
  });
  const [message] = messages;
  assert.ok(message?.is === "request");
  const { id, name, arguments: given, trace, parentEventId } = message;
  assert.deepEqual([id, name, given, trace, parentEventId], ['"a"', "t", { x: 1 }, "ab".repeat(16), parent]);
});

test("ids are the same text for the same id", () => {
  const idOf = (text: string) => {
    const read = readText(`{"jsonrpc":"2.0","method":"ping","id":${text}}`);
    return isMcpRefusal(read) ? read.code : (read.messages[0] as { id: string }).id;
  };
  assert.equal(idOf("1.0"), idOf("1"));
  assert.equal(idOf('"\\u0061"'), idOf('"a"'));
  assert.notEqual(idOf('"1"'), idOf("1"));
  for (const wrong of ["null", "true", "{}", "[1]"]) assert.equal(idOf(wrong), -32_600);
});

test("what no reader, or not every reader, would take for the same message is refused", () => {
  const refused: readonly (readonly [string, number])[] = [
    ["{", -32_700],
    ["[]", -32_600],
    ["1", -32_600],
    ['{"jsonrpc":"1.0","id":1,"method":"x"}', -32_600],
    ['{"jsonrpc":"2.0","id":1}', -32_600],
    ['{"jsonrpc":"2.0","id":1,"method":1}', -32_600],
    ['{"jsonrpc":"2.0","id":1,"method":"x","params":[]}', -32_600],
    ['{"jsonrpc":"2.0","id":1,"Method":"x","method":"y"}', -32_600],
    ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","NAME":"b"}}', -32_600],
    ['{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping"}', -32_600],
    ['[{"jsonrpc":"2.0","id":1,"method":"ping"},2]', -32_600],
  ];
  for (const [text, code] of refused) {
    const read = readText(text);
    assert.ok(isMcpRefusal(read), text);
    assert.equal(read.code, code, text);
  }
  assert.ok(isMcpRefusal(readMcp(Buffer.from([0x7b, 0xff]))));
});

test("nothing is thrown, whatever comes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readMcp(Buffer.from(bytes))));
  fc.assert(
    fc.property(fc.jsonValue(), (value) => void readValue(value)),
    { numRuns: 1000 },
  );
});

test("headers of a stateless request must say what the body says; older ones need none", () => {
  const call = (name: string, version?: string) =>
    bodyOf({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name, ...(version === undefined ? {} : { _meta: { [VERSION]: version } }) },
    });
  const right = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "t" };
  const stateless = call("t", "2026-07-28");
  assert.equal(headerProblem(right, stateless), null);
  assert.equal(headerProblem({}, call("t")), null);
  assert.equal(headerProblem({ "mcp-protocol-version": "2025-06-18" }, call("t")), null);
  for (const name of Object.keys(right)) {
    assert.match(headerProblem({ ...right, [name]: undefined }, stateless) ?? "", /is missing/, name);
    assert.match(
      headerProblem({ ...right, [name]: "other" }, stateless) ?? "",
      /not what the body says/,
      name,
    );
  }
  const encoded = `=?base64?${Buffer.from("größe").toString("base64")}?=`;
  assert.equal(headerProblem({ ...right, "mcp-name": encoded }, call("größe", "2026-07-28")), null);
  assert.notEqual(headerProblem({ ...right, "mcp-name": "=?base64?!?=" }, call("größe", "2026-07-28")), null);
  const batch = bodyOf([
    { jsonrpc: "2.0", id: 1, method: "ping", params: { _meta: { [VERSION]: "2026-07-28" } } },
  ]);
  assert.match(headerProblem(right, batch) ?? "", /no batches/);
});
