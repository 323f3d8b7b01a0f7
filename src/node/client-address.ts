// Whose address a request came from: the peer's, unless the peer is a trusted proxy; then the nearest address in
// X-Forwarded-For that is not one.
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/** Throws on what is neither an address nor a network; configuration has checked it. */
export function clientAddress(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  const trusted = blockList(trustedProxies);
  return (request) => {
    const peer = plain(request.socket.remoteAddress ?? "");
    // Asking the list takes as long as all the rest that is said of a client.
    if (trustedProxies.length === 0) return peer;
    if (!isTrusted(trusted, peer)) return peer;
    const { "x-forwarded-for": header } = request.headers;
    const chain = (Array.isArray(header) ? header.join(",") : (header ?? ""))
      .split(",")
      .map((entry) => plain(entry.trim()));
    const nearest = chain.findLast((address) => !isTrusted(trusted, address));
    return nearest !== undefined && isIP(nearest) !== 0 ? nearest : peer;
  };
}

/** Whether the client's own connection is encrypted: this one, or by the word of a trusted proxy. */
export function clientSecurity(trustedProxies: readonly string[]): (request: IncomingMessage) => boolean {
  const trusted = blockList(trustedProxies);
  return ({ socket, headers }) =>
    (socket as { encrypted?: boolean }).encrypted === true ||
    (isTrusted(trusted, plain(socket.remoteAddress ?? "")) && headers["x-forwarded-proto"] === "https");
}

function blockList(trustedProxies: readonly string[]): BlockList {
  const trusted = new BlockList();
  for (const entry of trustedProxies) {
    const [address = "", bits] = entry.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(bits), family);
  }
  return trusted;
}

function isTrusted(trusted: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && trusted.check(address, family === 6 ? "ipv6" : "ipv4");
}

/** IPv4 in IPv6's mapped form as IPv4. */
function plain(address: string): string {
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}
