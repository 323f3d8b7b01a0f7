import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from "node:tls";
import { parseAnchorLine } from "../../src/evidence/anchors.ts";
import { readSealed } from "../../src/journal/sealed.ts";
import { Anchoring } from "../../src/server/anchoring.ts";
import { SealedLog } from "../evidence/sealed-log.ts";
import { makeCertificate, type TestCertificate } from "../support/certificate.ts";
import { chat, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

function sealed(count: number): SealedLog {
  const log = new SealedLog();
  log.record(count);
  log.seal();
  return log;
}

test("file, syslog and webhook are told sizes and roots of all logs, and a place that fails holds up no other", async (t) => {
  const log = sealed(5);
  const got: Record<string, string> = {};
  const tcp = createServer(async (socket) => {
    got.tcp = await text(socket);
    socket.end();
  }).listen(0, "127.0.0.1");
  const udp = createSocket("udp4").bind(0, "127.0.0.1");
  udp.on("message", (message) => (got.udp = String(message)));
  const http = createHttpServer(async (request, response) => {
    got.webhook = await text(request);
    response.writeHead(request.url === "/no" ? 503 : 204).end();
  }).listen(0, "127.0.0.1");
  await Promise.all([once(tcp, "listening"), once(udp, "listening"), once(http, "listening")]);
  t.after(() => {
    tcp.close();
    udp.close();
    http.close();
  });
  const file = join(tempFolder(), "anchors");
  const anchoring = new Anchoring({
    home: log.home,
    now: () => 1_767_323_045_678,
    targets: [
      { kind: "webhook", to: `http://127.0.0.1:${portOf(http)}/no` },
      { kind: "file", to: join(tempFolder(), "missing", "anchors") },
      { kind: "file", to: file },
      { kind: "syslog", to: `tcp://127.0.0.1:${portOf(tcp)}` },
      { kind: "syslog", to: `udp://127.0.0.1:${portOf(udp)}` },
      { kind: "webhook", to: `http://127.0.0.1:${portOf(http)}/` },
    ],
  });
  const arrived = once(udp, "message");
  await anchoring.anchor();
  await arrived;
  const root = Buffer.from(readSealed(log.slotFolder)?.checkpoint.root ?? []).toString("hex");
  const expected = { at: 1_767_323_045_678, logs: [{ nodeId: log.nodeId, size: 5, root }] };
  assert.deepEqual(parseAnchorLine(readFileSync(file, "utf8")), expected);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(parseAnchorLine(got.webhook ?? ""), expected);
  assert.deepEqual(parseAnchorLine(got.udp ?? ""), expected);
  const [length = "", ...rest] = (got.tcp ?? "").split(" ");
  assert.equal(Number(length), Buffer.byteLength(rest.join(" ")), "octets are counted");
  assert.match(rest.join(" "), /^<109>1 2026-01-02T03:04:05\.678Z \S+ daybook \d+ anchor - \{/);
  assert.deepEqual(
    anchoring.statuses.map(({ trouble, at }) => [trouble, at > 0]),
    [
      ["HTTP_503", false],
      ["ENOENT", false],
      [null, true],
      [null, true],
      [null, true],
      [null, true],
    ],
  );
});

/** A syslog receiver of RFC 5425: TLS, each message after its length in octets. */
async function syslogOverTls(t: TestContext, certificate: TestCertificate) {
  const messages: string[] = [];
  const server = createTlsServer(certificate, async (socket) => {
    let bytes = await buffer(socket);
    while (bytes.length > 0) {
      const space = bytes.indexOf(" ");
      const end = space + 1 + Number(bytes.subarray(0, space).toString());
      messages.push(bytes.subarray(space + 1, end).toString());
      bytes = bytes.subarray(end);
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { messages, port: portOf(server) };
}

test("syslog over TLS is told when its certificate is trusted, and why not when it is not", async (t) => {
  const log = sealed(5);
  const certificates = {
    good: makeCertificate("good"),
    unknown: makeCertificate("unknown"),
    other: makeCertificate("other", { host: "logs.example.com" }),
    old: makeCertificate("old", { until: Date.now() - 1000 }),
  };
  const { good, unknown, other, old } = certificates;
  const before = getCACertificates("default");
  setDefaultCACertificates([...before, good.cert, other.cert, old.cert]);
  t.after(() => setDefaultCACertificates(before));
  const receivers = await Promise.all(
    [good, good, unknown, other, old].map((certificate) => syslogOverTls(t, certificate)),
  );
  const plain = createServer((socket) => socket.write("220 hello\r\n")).listen(0, "127.0.0.1");
  await once(plain, "listening");
  t.after(() => plain.close());
  plain.on("connection", (socket) => t.after(() => socket.destroy()));
  const nobody = createServer().listen(0, "127.0.0.1");
  await once(nobody, "listening");
  const closed = portOf(nobody);
  nobody.close();
  const hosts = ["127.0.0.1", "localhost", "127.0.0.1", "127.0.0.1", "127.0.0.1"];
  const anchoring = new Anchoring({
    home: log.home,
    now: () => 1_767_323_045_678,
    targets: [
      ...receivers.map(({ port }, index) => `tls://${hosts[index]}:${port}`),
      `tls://127.0.0.1:${portOf(plain)}`,
      `tls://127.0.0.1:${closed}`,
      `tcp://127.0.0.1:${closed}`,
    ].map((to) => ({ kind: "syslog", to }) as const),
  });
  await anchoring.anchor();
  await until(() => receivers.slice(0, 2).every(({ messages }) => messages.length === 1));
  assert.deepEqual(
    anchoring.statuses.map(({ trouble }) => trouble),
    [
      null,
      null,
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "ERR_TLS_CERT_ALTNAME_INVALID",
      "CERT_HAS_EXPIRED",
      "EPROTO",
      "ECONNREFUSED",
      "ECONNREFUSED",
    ],
  );
  for (const { messages } of receivers.slice(0, 2))
    assert.equal(parseAnchorLine(messages[0] ?? "")?.logs[0]?.size, 5);
  assert.match(
    receivers[0]?.messages[0] ?? "",
    /^<109>1 2026-01-02T03:04:05\.678Z \S+ daybook \d+ anchor - \{/,
  );
  assert.deepEqual(
    receivers.slice(2).map(({ messages }) => messages),
    [[], [], []],
    "nothing is told to whom nobody vouches for",
  );
});

test("a checkpoint is anchored once, and the next one again", async () => {
  const log = sealed(5);
  const file = join(tempFolder(), "anchors");
  const anchoring = new Anchoring({ home: log.home, now: Date.now, targets: [{ kind: "file", to: file }] });
  await anchoring.anchor();
  await anchoring.anchor();
  log.record(2);
  log.seal();
  await anchoring.close();
  const sizes = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => parseAnchorLine(line)?.logs[0]?.size);
  assert.deepEqual(sizes, [5, 7]);
});

test("a server anchors to the places of its configuration, its last checkpoint included", async (t) => {
  const file = join(tempFolder(), "anchors");
  const { url, home, server, get } = await startDaybook(t, { yaml: `anchors: [{ file: ${file} }]\n` });
  await chat(url);
  assert.match((await get("/metrics")).text, /daybook_anchor_failing\{kind="file",place="0"\} 0/);
  await server.close();
  const last = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => parseAnchorLine(line))
    .at(-1);
  const checkpoint = readSealed(join(home, "nodes", "0"))?.checkpoint;
  assert.equal(last?.logs[0]?.size, checkpoint?.size);
  assert.equal(last?.logs[0]?.root, Buffer.from(checkpoint?.root ?? []).toString("hex"));
});
