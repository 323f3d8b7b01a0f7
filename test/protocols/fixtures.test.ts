// Wire traffic of test/fixtures, one folder per protocol and in it one per rule: `request.json` with what was
// `asked.json` of it and the `upstream.json` that must come out; `response.json` or `response.sse` with the
// `facts.json` to be read from it and, where a stream's bytes matter, what is `forward.sse` at once and `held.sse` to
// the end.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { type AnswerFacts, isRefusal, type Protocol } from "../../src/protocols/protocol.ts";
import { PROTOCOLS } from "../../src/protocols/protocols.ts";

const ROOT = new URL("../fixtures/", import.meta.url);

/** The folder of each protocol, how many rules it has at least, and members that make a good request. */
const FOLDERS: readonly { folder: string; endpoint: string; rules: number; request: object }[] = [
  { folder: "openai-chat", endpoint: "/v1/chat/completions", rules: 40, request: { messages: [] } },
  { folder: "openai-completions", endpoint: "/v1/completions", rules: 8, request: {} },
  { folder: "openai-embeddings", endpoint: "/v1/embeddings", rules: 8, request: { input: "" } },
  { folder: "openai-responses", endpoint: "/v1/responses", rules: 29, request: { input: "" } },
  { folder: "anthropic-messages", endpoint: "/v1/messages", rules: 33, request: { messages: [] } },
  {
    folder: "anthropic-count-tokens",
    endpoint: "/v1/messages/count_tokens",
    rules: 3,
    request: { messages: [] },
  },
];

interface StreamCase {
  /** Daybook asked for usage. */
  readonly stripUsage?: boolean;
  readonly terminated: boolean;
  readonly contentBytes?: number;
  readonly facts: AnswerFacts;
}

function pieces(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

class Rule {
  readonly #folder: URL;
  readonly #protocol: Protocol;
  readonly #request: object;

  constructor(folder: URL, protocol: Protocol, request: object) {
    this.#folder = folder;
    this.#protocol = protocol;
    this.#request = request;
  }

  read(file: string): Buffer | null {
    const url = new URL(file, this.#folder);
    return existsSync(url) ? readFileSync(url) : null;
  }

  json<T>(file: string): T {
    return JSON.parse(String(this.read(file))) as T;
  }

  #parsed(body: Buffer) {
    const request = this.#protocol.parseRequest(body);
    assert.ok(!isRefusal(request), JSON.stringify(request));
    return request;
  }

  #asking(stripUsage: boolean) {
    const options = stripUsage ? {} : { stream_options: { include_usage: true } };
    return this.#parsed(
      Buffer.from(JSON.stringify({ model: "demo", stream: true, ...this.#request, ...options })),
    );
  }

  stream(bytes: Buffer, size: number): void {
    const { stripUsage = false, terminated, facts, contentBytes } = this.json<StreamCase>("facts.json");
    const stream = this.#protocol.createStream(this.#asking(stripUsage));
    const released = [...pieces(bytes, size).map((chunk) => stream.feed(chunk)), stream.finish()];
    const forward = Buffer.concat(released.flatMap((part) => part.forward));
    const held = Buffer.concat(released.flatMap((part) => part.held));
    assert.deepEqual(stream.facts, facts);
    assert.equal(stream.terminated, terminated);
    if (contentBytes !== undefined) assert.equal(stream.contentBytes, contentBytes);
    const expected = this.read("forward.sse");
    if (expected === null) {
      assert.equal(String(Buffer.concat([forward, held])), String(bytes));
    } else {
      assert.equal(String(forward), String(expected));
      assert.equal(String(held), String(this.read("held.sse")));
    }
  }

  answer(bytes: Buffer, size: number): void {
    const answer = this.#protocol.createAnswer(this.#asking(false));
    for (const chunk of pieces(bytes, size)) answer.feed(chunk);
    assert.deepEqual(answer.finish(), this.json("facts.json"));
  }

  request(bytes: Buffer): void {
    const { askUsage, model = null } = this.json<{ askUsage: boolean; model?: string }>("asked.json");
    const upstream = this.#protocol.upstreamBody(this.#parsed(bytes), { askUsage, model });
    assert.equal(String(upstream), String(this.read("upstream.json")));
  }
}

for (const { folder, endpoint, rules, request: members } of FOLDERS) {
  const protocol = PROTOCOLS.get(endpoint);
  assert.ok(protocol);
  const names = readdirSync(new URL(`${folder}/`, ROOT)).sort();
  for (const name of names) {
    const rule = new Rule(new URL(`${folder}/${name}/`, ROOT), protocol, members);
    const stream = rule.read("response.sse");
    const answer = rule.read("response.json");
    const request = rule.read("request.json");
    if (stream !== null) {
      test(`${folder}: ${name}, however the stream is cut`, () => {
        for (const size of [stream.length, 1, 2, 7, 64, 1000]) rule.stream(stream, size);
      });
    } else if (answer !== null) {
      test(`${folder}: ${name}`, () => {
        for (const size of [Math.max(1, answer.length), 1, 100]) rule.answer(answer, size);
      });
    } else if (request !== null) {
      test(`${folder}: ${name}`, () => rule.request(request));
    } else {
      throw new Error(`fixture ${folder}/${name} has no traffic`);
    }
  }
  test(`${folder}: every rule has its fixture`, () => {
    assert.ok(names.length >= rules, `${names.length} fixtures`);
  });
}
