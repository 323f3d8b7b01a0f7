// The environment's proxies on the way to providers: plain requests are forwarded, encrypted ones tunnelled, and
// hosts that NO_PROXY names are reached directly.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Routes } from "../../src/gateway/routes.ts";
import { makeCertificate } from "../support/certificate.ts";
import { tempFolder } from "../support/temp.ts";
import { answerChat, startUpstream } from "../support/upstream.ts";
import { provider, route, serveGateway } from "./served-gateway.ts";

const CHAT = "/v1/chat/completions";
const BODY = { model: "demo", messages: [] };

/** A proxy, and what it was asked for. */
async function openProxy(t: TestContext): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const { method, headers } = incoming;
    const onward = request(incoming.url ?? "", { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  });
  server.on("connect", (incoming, socket: Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    const [host, port] = (incoming.url ?? "").split(":");
    const onward = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.on("error", () => {});
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
  });
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, asked };
}

test("plain requests are forwarded", async (t) => {
  const proxy = await openProxy(t);
  const upstream = await startUpstream(t, (response) => answerChat(response));
  const settings = { httpProxy: proxy.url, httpsProxy: null, noProxy: null };
  const routes = new Routes([provider("up", upstream.url)], [route("demo", ["up"])], settings);
  const gateway = await serveGateway(t, { routes });
  assert.equal((await gateway.post(CHAT, BODY)).status, 200);
  assert.deepEqual([proxy.asked, upstream.asked.length], [[`POST ${upstream.url}${CHAT}`], 1]);
});

test("encrypted requests go through a tunnel, and the provider's own certificate counts", async (t) => {
  const proxy = await openProxy(t);
  const { cert, key } = makeCertificate("behind the proxy");
  const server = createSecureServer({ cert, key }, (incoming, response) => {
    incoming.resume().on("end", () => answerChat(response));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const caFile = join(tempFolder(), "ca.pem");
  writeFileSync(caFile, cert);
  const { port } = server.address() as { port: number };
  const settings = { httpProxy: null, httpsProxy: proxy.url, noProxy: null };
  const up = provider("up", `https://127.0.0.1:${port}`, { ca_file: caFile });
  const gateway = await serveGateway(t, { routes: new Routes([up], [route("demo", ["up"])], settings) });
  assert.equal((await gateway.post(CHAT, BODY)).status, 200);
  assert.deepEqual(proxy.asked, [`CONNECT 127.0.0.1:${port}`]);
});

test("hosts that NO_PROXY names are reached directly", async (t) => {
  const proxy = await openProxy(t);
  const upstream = await startUpstream(t, (response) => answerChat(response));
  const settings = { httpProxy: proxy.url, httpsProxy: proxy.url, noProxy: "example.com,127.0.0.1" };
  const routes = new Routes([provider("up", upstream.url)], [route("demo", ["up"])], settings);
  const gateway = await serveGateway(t, { routes });
  assert.equal((await gateway.post(CHAT, BODY)).status, 200);
  assert.deepEqual([proxy.asked.length, upstream.asked.length], [0, 1]);
});

test("the built-in simulation is reached directly", async (t) => {
  const proxy = await openProxy(t);
  const upstream = await startUpstream(t, (response) => answerChat(response));
  const settings = { httpProxy: proxy.url, httpsProxy: proxy.url, noProxy: null };
  const simulation = provider("up", upstream.url, { backend_type: "simulated" });
  const gateway = await serveGateway(t, {
    routes: new Routes([simulation], [route("demo", ["up"])], settings),
  });
  assert.equal((await gateway.post(CHAT, BODY)).status, 200);
  assert.equal(proxy.asked.length, 0);
});

test("a proxy that is not there is a provider that cannot be reached", async (t) => {
  const upstream = await startUpstream(t, (response) => answerChat(response));
  const settings = { httpProxy: "http://127.0.0.1:9", httpsProxy: null, noProxy: null };
  const routes = new Routes([provider("up", upstream.url)], [route("demo", ["up"])], settings);
  const gateway = await serveGateway(t, { routes });
  assert.equal((await gateway.post(CHAT, BODY)).status, 502);
  const [event] = await gateway.events();
  assert.equal(event?.error_code, "provider_unreachable");
});
