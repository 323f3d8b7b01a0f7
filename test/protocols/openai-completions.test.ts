import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type CompletionRequest,
  OPENAI_CHAT,
  OPENAI_COMPLETIONS,
} from "../../src/protocols/openai-completions.ts";
import { isRefusal, type Refusal } from "../../src/protocols/protocol.ts";

const { parseRequest, upstreamBody } = OPENAI_CHAT;
const CANARY = "quince-marmalade";

function parse(body: string | Buffer): CompletionRequest {
  const result = parseRequest(Buffer.from(body));
  assert.ok(!isRefusal(result), JSON.stringify(result));
  return result;
}

function refusal(body: string | Buffer): Refusal {
  const result = parseRequest(Buffer.from(body));
  assert.ok(isRefusal(result));
  assert.ok(!JSON.stringify(result).includes(CANARY));
  return result;
}

/** A good request with `members` (JSON text) in front. */
const withMembers = (members: string) => `{${members},"model":"demo","messages":[]}`;

test("the facts of a request are read", () => {
  const request = parse(
    JSON.stringify({
      model: "gpt-4o",
      messages: [{ role: "user", content: "Which ferry?" }],
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 200,
      tools: [{ type: "function" }, { type: "function" }],
      functions: [{}],
    }),
  );
  const { model, streaming, includeUsage, maxTokens, toolCount } = request;
  assert.deepEqual(
    { model, streaming, includeUsage, maxTokens, toolCount },
    {
      model: "gpt-4o",
      streaming: true,
      includeUsage: true,
      maxTokens: 200,
      toolCount: 3,
    },
  );
});

test("what a request leaves out or sets to null is not asked for", () => {
  for (const members of [
    '"seed":1',
    '"stream":null,"stream_options":null,"max_tokens":null,"tools":null,"functions":null',
    '"stream":false',
  ]) {
    const { streaming, includeUsage, maxTokens, toolCount } = parse(withMembers(members));
    assert.deepEqual(
      { streaming, includeUsage, maxTokens, toolCount },
      {
        streaming: false,
        includeUsage: false,
        maxTokens: null,
        toolCount: 0,
      },
    );
  }
});

test("the limit is the larger one asked for, whole and safe; a negative one means none", () => {
  const limit = (members: string) => parse(withMembers(members)).maxTokens;
  assert.equal(limit('"max_tokens":5,"max_completion_tokens":7'), 7);
  assert.equal(limit('"max_tokens":9,"max_completion_tokens":7'), 9);
  assert.equal(limit('"max_tokens":0'), 0);
  assert.equal(limit('"max_tokens":1.2'), 2);
  assert.equal(limit('"max_tokens":1e999'), Number.MAX_SAFE_INTEGER);
  assert.equal(limit('"max_tokens":-1'), null);
  assert.equal(limit('"max_tokens":-1,"max_completion_tokens":7'), null);
});

test("the limit is of all choices together, and of all prompts", () => {
  const limit = (members: string) => parse(withMembers(members)).maxTokens;
  assert.equal(limit('"max_tokens":5,"n":3'), 15);
  assert.equal(limit('"max_tokens":5,"n":null'), 5);
  assert.equal(limit('"max_tokens":5,"n":0'), 5);
  assert.equal(limit('"n":3'), null);
  assert.equal(limit('"max_tokens":9007199254740991,"n":3'), Number.MAX_SAFE_INTEGER);
  const completion = (members: string) => {
    const request = OPENAI_COMPLETIONS.parseRequest(
      Buffer.from(`{"model":"demo","max_tokens":5,${members}}`),
    );
    assert.ok(!isRefusal(request));
    return request.maxTokens;
  };
  assert.equal(completion('"prompt":"a","n":2,"best_of":4'), 20);
  assert.equal(completion('"prompt":["a","b","c"],"n":2'), 30);
  assert.equal(completion('"prompt":[[1,2],[3]]'), 10);
  assert.equal(completion('"prompt":[1,2,3]'), 5);
  assert.equal(completion('"prompt":[]'), 5);
});

test("a body that is not a JSON object in UTF-8 is refused", () => {
  assert.deepEqual(refusal(Buffer.from([0x7b, 0xff, 0x7d])), {
    param: null,
    message: "The body is not UTF-8.",
  });
  for (const body of ["", "{", CANARY, `{"model":"${CANARY}"`, "\ufeff{}"]) {
    assert.deepEqual(refusal(body), { param: null, message: "The body is not valid JSON." });
  }
  for (const body of ["[]", "null", "3", `"${CANARY}"`]) {
    assert.deepEqual(refusal(body), { param: null, message: "The body is not a JSON object." });
  }
});

test("a member of the wrong type is refused by name", () => {
  assert.equal(refusal('{"messages":[]}').param, "model");
  assert.equal(refusal('{"model":"demo"}').param, "messages");
  const cases: [param: string, values: string[]][] = [
    ["model", ["null", '""', "7", `["${CANARY}"]`]],
    ["messages", ["null", `"${CANARY}"`, "{}"]],
    ["stream", ['"true"', "1", "{}"]],
    ["stream_options", [`"${CANARY}"`, "true", "[]"]],
    ["max_tokens", [`"${CANARY}"`, "{}"]],
    ["max_completion_tokens", ["true"]],
    ["tools", [`{"a":"${CANARY}"}`, "3"]],
    ["functions", [`"${CANARY}"`]],
  ];
  for (const [param, values] of cases) {
    for (const value of values) {
      const members: Record<string, string> = { model: '"demo"', messages: "[]", [param]: value };
      const body = `{${Object.entries(members)
        .map(([name, json]) => `"${name}":${json}`)
        .join(",")}}`;
      const refused = refusal(body);
      assert.equal(refused.param, param);
      assert.ok(refused.message.startsWith(`\`${param}\` must be `));
    }
  }
  assert.equal(refusal(withMembers('"stream":1')).message, "`stream` must be true, false or null.");
  for (const value of ['"yes"', "1", "{}"]) {
    assert.deepEqual(refusal(withMembers(`"stream_options":{"include_usage":${value}}`)), {
      param: "stream_options.include_usage",
      message: "`stream_options.include_usage` must be true, false or null.",
    });
  }
});

test("a member that stands twice is refused, and named only when it is one that Daybook reads", () => {
  assert.deepEqual(refusal(withMembers('"mod\\u0065l":"other"')), {
    param: "model",
    message: "`model` stands in the body twice.",
  });
  assert.deepEqual(refusal(withMembers(`"${CANARY}":1,"${CANARY}":2`)), {
    param: null,
    message: "A member of the body stands in it twice.",
  });
  assert.equal(
    refusal(withMembers('"stream_options":{"include_usage":false,"include_usage":true}')).param,
    "stream_options.include_usage",
  );
  assert.equal(refusal(withMembers(`"stream_options":{"${CANARY}":1,"${CANARY}":1}`)).param, null);
});

test("members within the content may stand twice", () => {
  parse(
    '{"model":"demo","messages":[{"role":"user","role":"user","Model":1}],"metadata":{"model":1,"model":2}}',
  );
});

test("a member that is not written just so, which some servers would take for it, is refused", () => {
  const folded = [
    '"Model":"a"',
    '"MODEL":"a"',
    '"Mess\\u0061ges":[]',
    '"\\u017ftream":true',
    '"max_to\\u212aens":9',
  ];
  for (const [index, param] of ["model", "model", "messages", "stream", "max_tokens"].entries()) {
    assert.deepEqual(refusal(withMembers(folded[index] ?? "")), {
      param,
      message: `\`${param}\` must be written in lower case and without escapes.`,
    });
  }
  assert.equal(
    refusal(withMembers('"stream_options":{"Include_Usage":true}')).param,
    "stream_options.include_usage",
  );
  parse(withMembers('"Temperature":1,"User":"u","toString":2,"__proto__":{"model":"x"},"\\u00e9t\\u00e9":1'));
});

test("an escaped member cannot slip past, whatever was parsed before", () => {
  // V8 (13.6, 14.6) then reads the second body's key as "\\u006dax_t".
  parse('{"model":"demo","messages":[],"\\\\u006dax_t":1}');
  assert.equal(refusal('{"model":"demo","messages":[],"\\u006dax_tokens":1000000}').param, "max_tokens");
});

test("the body is the very same buffer when nothing changes", () => {
  const body = Buffer.from(withMembers('"stream":true'));
  const request = parseRequest(body) as CompletionRequest;
  assert.equal(upstreamBody(request, { model: null, askUsage: false }), body);
  assert.equal(upstreamBody(request, { model: "demo", askUsage: false }), body);
  assert.notEqual(upstreamBody(request, { model: "demo", askUsage: true }), body);
});

test("an upstream's model name is written as a JSON string", () => {
  const body = upstreamBody(parse(withMembers('"seed":1')), { model: 'a"b\\é', askUsage: true });
  assert.equal(JSON.parse(String(body)).model, 'a"b\\é');
});

test("any bytes give facts or a refusal that holds no value, never an exception", () => {
  const name = fc.constantFrom(
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_tokens",
    "tools",
    "Model",
    CANARY,
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(CANARY, [CANARY], { include_usage: CANARY }, { [CANARY]: CANARY }),
  );
  const text = fc
    .array(fc.tuple(name, value), { maxLength: 8 })
    .map(
      (pairs) =>
        `{${pairs.map(([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`).join(",")}}`,
    );
  const body = fc.oneof(
    text.map((json) => Buffer.from(json)),
    fc.tuple(text, fc.nat(200)).map(([json, end]) => Buffer.from(json.slice(0, end))),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(body, (bytes) => {
      const result = parseRequest(bytes);
      if (isRefusal(result)) assert.ok(!JSON.stringify(result).includes(CANARY));
      else JSON.parse(String(upstreamBody(result, { model: "other", askUsage: true })));
    }),
    { numRuns: 1000 },
  );
});

test("a body that is released holds nothing of what was asked", () => {
  const request = parse(withMembers(`"stream":true,"user":"${CANARY}"`));
  request.body.release();
  assert.equal(upstreamBody(request, { model: null, askUsage: false }).length, 0);
  assert.equal(request.body.valueText("user"), null);
  assert.ok(request.bodyBytes > 0);
});
