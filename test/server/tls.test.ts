// HTTPS: what is served over it, and certificates that change while the server runs.
import assert from "node:assert/strict";
import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect } from "node:tls";
import { Agent, request, setGlobalDispatcher } from "undici";
import { Certificate } from "../../src/server/tls.ts";
import { makeCertificate, type TestCertificate } from "../support/certificate.ts";
import { API_KEY, chatBody, startDaybook } from "../support/daybook.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/until.ts";

function put(folder: string, { cert, key }: TestCertificate): { cert: string; key: string } {
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  for (const [path, text] of [
    [files.key, key],
    [files.cert, cert],
  ] as const) {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
  return files;
}

/** The common name of the certificate that `url` shows to a client that trusts any of `ca`; and the protocol agreed. */
async function shown(url: string, ca: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({
    host: hostname,
    port: Number(port),
    ca: [...ca],
    ALPNProtocols: ["h2", "http/1.1"],
  });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return `${subject.CN} ${socket.alpnProtocol}`;
}

/** A Daybook with a certificate that this process trusts. */
async function startEncrypted(t: TestContext) {
  const home = tempFolder();
  const made = makeCertificate("first");
  put(home, made);
  const dispatcher = new Agent({ connect: { ca: made.cert } });
  setGlobalDispatcher(dispatcher);
  t.after(() => dispatcher.close());
  const daybook = await startDaybook(t, { home, yaml: "tls: { cert: cert.pem, key: key.pem }\n" });
  return { daybook, made };
}

test("traffic and API over HTTPS, with one event a request, on HTTP/1.1", async (t) => {
  const { daybook, made } = await startEncrypted(t);
  assert.match(daybook.url, /^https:/);
  assert.equal(await shown(daybook.url, [made.cert]), "first http/1.1");
  const { statusCode, body } = await request(`${daybook.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
    body: chatBody(),
  });
  await body.dump();
  assert.equal(statusCode, 200);
  const [event, ...others] = await daybook.events("kind=inference");
  assert.deepEqual([event?.status, event?.client_ip, others.length], ["success", "127.0.0.1", 0]);
});

test("plain HTTP on the port of HTTPS gets no answer and does no harm", async (t) => {
  const { daybook } = await startEncrypted(t);
  await assert.rejects(request(daybook.url.replace("https", "http")));
  assert.equal((await daybook.get("/healthz")).status, 200);
});

test("a certificate whose files change is shown to new connections; what cannot be used is not", async (t) => {
  const folder = tempFolder();
  const [one, two] = [makeCertificate("one"), makeCertificate("two")];
  const files = put(folder, one);
  const troubles: unknown[] = [];
  const certificate = new Certificate(files, (error) => troubles.push(error), 10);
  t.after(() => certificate.close());
  const seen: string[] = [];
  certificate.onChanged(({ cert }) => seen.push(String(cert)));
  writeFileSync(files.cert, "half a cert");
  await until(() => troubles.length > 0);
  assert.equal(String(certificate.pair.cert), one.cert);
  assert.match(String(troubles[0]), /Cannot use the certificate/);
  put(folder, two);
  await until(() => seen.length > 0);
  assert.deepEqual(seen, [two.cert]);
  assert.throws(() => certificate.reload({ ...files, key: join(folder, "absent") }), {
    code: "bad_tls",
    message: /absent \(ENOENT\)/,
  });
  const other = put(tempFolder(), one);
  assert.throws(() => certificate.reload({ ...files, key: other.key }), { code: "bad_tls" });
  assert.equal(String(certificate.pair.cert), two.cert);
  certificate.reload(other);
  assert.deepEqual(seen, [two.cert, one.cert]);
});
