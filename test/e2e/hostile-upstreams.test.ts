// What providers send that no specification foresees. Whatever it is: the client gets the bytes as they come, memory
// stays bounded, and there is one event that says how it went.
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { request } from "undici";
import type { EventJson } from "../../src/event/json.ts";
import { FORMS } from "../../src/simulator/forms.ts";
import { createAnswer, parseRequest } from "../../src/simulator/request.ts";
import { API_KEY, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { startUpstream } from "../support/upstream.ts";

interface Dialect {
  readonly path: string;
  readonly body: Record<string, unknown>;
}

const MESSAGES = [{ role: "user", content: "How are you?" }];
const DIALECTS: readonly Dialect[] = [
  { path: "/v1/chat/completions", body: { messages: MESSAGES, stream_options: { include_usage: true } } },
  { path: "/v1/messages", body: { messages: MESSAGES, max_tokens: 1000 } },
  { path: "/v1/responses", body: { input: "How are you?" } },
];
const SIMULATE = { prompt_tokens: 7, completion_tokens: 5 };
const EXACT = { prompt_tokens: 7, completion_tokens: 5, tokens_estimated: false };
const ESTIMATED = { tokens_estimated: true };

/** The provider's answer in full, as the simulator would write it. */
function answerTo(path: string, body: Buffer): { readonly json: string; readonly stream: string } {
  const form = FORMS.get(path);
  if (form === undefined) throw new Error(path);
  const answer = createAnswer(parseRequest(body, form, SIMULATE), 1, 0);
  const events = form.stream?.(answer);
  const pieces = Array.from({ length: events?.length ?? 0 }, (_, index) => events?.event(index));
  return { json: form.body(answer), stream: pieces.join("") + (events?.ending ?? "") };
}

const MIB = 2 ** 20;
const HUGE = 64 * MIB;
const SAMPLE = 8 * MIB;
const BLOCK = Buffer.alloc(MIB, "x");

/** Sends `HUGE` bytes, as fast as they are taken. */
function sendHuge(response: ServerResponse, before: string, end: string): void {
  response.write(before);
  let left = HUGE / BLOCK.length;
  const go = () => {
    while (left-- > 0) if (!response.write(BLOCK)) return void response.once("drain", go);
    response.end(end);
  };
  go();
}

async function inBytes(response: ServerResponse, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    response.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}

const SSE = { "content-type": "text/event-stream" };

interface Fault {
  readonly name: string;
  readonly stream: boolean;
  readonly send: (response: ServerResponse, answer: { json: string; stream: string }) => unknown;
  /** Columns of the event. */
  readonly told: Partial<EventJson>;
  /** The client gets exactly what was sent. */
  readonly whole?: boolean;
}

const OK: Partial<EventJson> = { status: "success", status_code: 200, error_code: null };
const BROKEN: Partial<EventJson> = { status: "error", error_code: "stream_interrupted" };

// biome-ignore format: one fault, one line
const FAULTS: readonly Fault[] = [
  { name: "only pings", stream: true, send: (response) => { response.writeHead(200, SSE); const timer = setInterval(() => response.write(": ping\n\n"), 10); response.once("close", () => clearInterval(timer)); }, told: { status: "timeout", error_code: "timeout", prompt_tokens: null } },
  { name: "half an event", stream: true, send: (response, { stream }) => response.writeHead(200, SSE).end(stream.slice(0, stream.indexOf("\n\n") - 9)), told: BROKEN },
  { name: "thousands of tiny chunks", stream: true, send: (response, { stream }) => { response.writeHead(200, SSE); return inBytes(response, Buffer.from(stream)); }, told: { ...OK, ...EXACT }, whole: true },
  { name: "CRLF", stream: true, send: (response, { stream }) => response.writeHead(200, SSE).end(stream.replaceAll("\n", "\r\n")), told: { ...OK, ...EXACT }, whole: true },
  { name: "CR", stream: true, send: (response, { stream }) => response.writeHead(200, SSE).end(stream.replaceAll("\n", "\r")), told: { ...OK, ...EXACT }, whole: true },
  { name: "a byte order mark", stream: true, send: (response, { stream }) => response.writeHead(200, SSE).end(`\uFEFF${stream}`), told: { ...OK, ...EXACT }, whole: true },
  { name: "comments, unknown fields and ids", stream: true, send: (response, { stream }) => response.writeHead(200, SSE).end(`: hello\nid: 7\nretry: 10\nunknown\n\n${stream}`), told: { ...OK, ...EXACT }, whole: true },
  { name: "no last blank line", stream: true, send: (response, { stream }) => response.writeHead(200, SSE).end(stream.slice(0, -2)), told: { ...OK, ...EXACT }, whole: true },
  { name: "garbage after the end", stream: true, send: (response, { stream }) => { response.writeHead(200, SSE).write(stream); setImmediate(() => response.end("\u0000garbage\n\ndata: {{{\n\n")); }, told: { ...OK, ...EXACT } },
  { name: "a stream that says it is text", stream: true, send: (response, { stream }) => response.writeHead(200, { "content-type": "text/plain" }).end(stream), told: { ...OK, ...EXACT }, whole: true },
  { name: "a stream that says it is JSON", stream: true, send: (response, { stream }) => response.writeHead(200, { "content-type": "application/json" }).end(stream), told: { ...OK, ...EXACT }, whole: true },
  { name: "a stream that says nothing", stream: true, send: (response, { stream }) => response.writeHead(200).end(stream), told: { ...OK, ...EXACT }, whole: true },
  { name: "blank lines before a stream that says nothing", stream: true, send: (response, { stream }) => { response.writeHead(200).write("\n \n"); setImmediate(() => response.end(stream)); }, told: { ...OK, ...EXACT }, whole: true },
  { name: "JSON where a stream was asked for", stream: true, send: (response, { json }) => response.writeHead(200, { "content-type": "application/json" }).end(json), told: { ...OK, ...EXACT, streaming: true }, whole: true },
  { name: "JSON that says it is text", stream: false, send: (response, { json }) => response.writeHead(200, { "content-type": "text/plain" }).end(json), told: { ...OK, ...EXACT }, whole: true },
  { name: "JSON with garbage behind it", stream: false, send: (response, { json }) => response.writeHead(200, { "content-type": "application/json" }).end(`${json}garbage`), told: BROKEN, whole: true },
  { name: "HTML", stream: false, send: (response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>A proxy speaks</html>"), told: BROKEN, whole: true },
  { name: "nothing", stream: false, send: (response) => response.writeHead(200, { "content-type": "application/json" }).end(), told: BROKEN },
  { name: "a compressed stream, against our wish", stream: true, send: (response, { stream }) => response.writeHead(200, { ...SSE, "content-encoding": "gzip" }).end(gzipSync(stream)), told: { ...OK, ...ESTIMATED }, whole: true },
  { name: "compressed JSON, against our wish", stream: false, send: (response, { json }) => response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(gzipSync(json)), told: { ...OK, ...ESTIMATED }, whole: true },
  { name: "an event that never ends", stream: true, send: (response) => { response.writeHead(200, SSE); sendHuge(response, 'data: {"x":"', ""); }, told: BROKEN },
  { name: "JSON without end", stream: false, send: (response) => { response.writeHead(200, { "content-type": "application/json" }); sendHuge(response, '{"x":"', ""); }, told: BROKEN },
];

/** What the server sends, kept to compare with what the client gets. */
function recording(response: ServerResponse): Buffer[] {
  const sent: Buffer[] = [];
  const write = response.write as (chunk: string | Buffer, encoding: string) => boolean;
  const end = response.end as () => unknown;
  response.write = ((chunk: string | Buffer): boolean => {
    sent.push(Buffer.from(chunk));
    return write.call(response, chunk, "utf8");
  }) as typeof response.write;
  response.end = ((chunk?: string | Buffer) => {
    if (chunk !== undefined) response.write(chunk);
    return end.call(response);
  }) as typeof response.end;
  return sent;
}

/** Bytes outside the heap that are really in use. */
function heldBytes(): number {
  collect();
  return process.memoryUsage().arrayBuffers;
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

for (const mode of ["open", "strict"] as const) {
  describe(`${mode} mode`, () => {
    let daybook: TestDaybook;
    let sent: Buffer[] = [];
    const closers: (() => unknown)[] = [];
    const scope = { after: (close: unknown) => closers.push(close as () => unknown) };

    before(async () => {
      const upstream = await startUpstream(scope, (response, { path, body }) => {
        const { fault } = (JSON.parse(body.toString()) as { metadata: { fault: number } }).metadata;
        const { send, whole = false } = FAULTS[fault] as Fault;
        if (whole) sent = recording(response);
        send(response, answerTo(path, body));
      });
      const yaml = `
providers:
  - { name: up, backend_type: local, protocols: [openai, anthropic], base_url: "${upstream.url}", retries: { max: 0 } }
  - { name: brief, backend_type: local, protocols: [openai, anthropic], base_url: "${upstream.url}", timeouts_ms: { chat: 200 } }
routes:
  - { model: demo, providers: [{ provider: up }] }
  - { model: brief, providers: [{ provider: brief }] }
audit: { modes: { inference: ${mode} } }
`;
      const quick = await startDaybook(scope, { yaml });
      daybook = quick;
    });

    after(async () => {
      for (const close of closers.reverse()) await close();
    });

    for (const [fault, { name, stream, told, whole = false }] of FAULTS.entries()) {
      for (const { path, body } of DIALECTS) {
        // What costs seconds is tried with one dialect: the bytes are none's.
        const isHuge = /never|without end/.test(name);
        if (isHuge && path !== "/v1/messages") continue;
        test(`${name}: ${path}`, async () => {
          const requestId = `fault-${mode}-${fault}-${path.replaceAll("/", ".")}`;
          const { stream_options: options, ...plain } = body;
          const asked = stream && options !== undefined ? { ...plain, stream_options: options } : plain;
          const answer = await request(daybook.url + path, {
            method: "POST",
            headers: { authorization: `Bearer ${API_KEY}`, "x-request-id": requestId },
            body: JSON.stringify({
              model: name === "only pings" ? "brief" : "demo",
              ...asked,
              stream,
              metadata: { fault },
            }),
          });
          const before = heldBytes();
          const held: number[] = [];
          let bytes = 0;
          const received: Buffer[] = [];
          try {
            for await (const chunk of answer.body as AsyncIterable<Buffer>) {
              bytes += chunk.length;
              if (whole) received.push(chunk);
              if (Math.floor(bytes / SAMPLE) > Math.floor((bytes - chunk.length) / SAMPLE))
                held.push(heldBytes() - before);
            }
          } catch {
            assert.notEqual(told.status, "success");
          }
          if (whole)
            assert.deepEqual(
              Buffer.concat(received).toString("latin1"),
              Buffer.concat(sent).toString("latin1"),
            );
          if (isHuge) {
            assert.ok(bytes > HUGE - 2 * MIB, `${bytes} bytes came through`);
            // What is kept would be kept to the end; what a collection has just missed is gone at the next.
            assert.ok(Math.min(...held.slice(3)) < 16 * MIB, `${held} bytes were held`);
          }
          const events = await over(daybook, requestId);
          assert.equal(events.length, 1);
          for (const [column, value] of Object.entries(told))
            assert.equal(events[0]?.[column as keyof EventJson], value, column);
        });
      }
    }
  });
}

async function over(daybook: TestDaybook, requestId: string): Promise<EventJson[]> {
  while (Object.values(daybook.server.recorder.inFlight()).some((count) => count > 0))
    await new Promise((resolve) => setImmediate(resolve));
  return daybook.events(`request_id=${requestId}`);
}
