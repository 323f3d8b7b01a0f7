// The bare proxy that Daybook is compared with: node:http in, node:http out over kept connections, bytes piped.
// Nothing is parsed, checked or recorded. Usage: pipe-proxy <port of the upstream>; prints its own.
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream";

const port = Number(process.argv[2]);
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

const server = createServer({ noDelay: true }, (incoming, outgoing) => {
  const { method, url, headers } = incoming;
  const upstream = request({ host: "127.0.0.1", port, method, path: url, headers, agent }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    pipeline(answer, outgoing, () => {});
  });
  upstream.on("error", () => outgoing.destroy());
  outgoing.on("close", () => outgoing.writableFinished || upstream.destroy());
  incoming.pipe(upstream);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
