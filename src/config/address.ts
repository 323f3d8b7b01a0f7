// Addresses to listen on: how they are written, and which of them other machines cannot reach. Names are never
// looked up, so every name but localhost counts as reachable.
import { BlockList, isIP } from "node:net";

/** `port` 0 lets the system choose. An IPv6 `host` has no brackets. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;
const MAX_PORT = 65_535;

/** `host:port` or `[IPv6]:port` (RFC 3986, section 3.2.2); null when `text` is neither. */
export function parseListen(text: string): ListenAddress | null {
  const [, six, name, digits] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const host = six ?? name ?? "";
  const fits = six === undefined ? HOST_NAME.test(host) : isIP(six) === 6;
  return fits && port <= MAX_PORT ? { host, port } : null;
}

/** The address as `parseListen` reads it. */
export function listenText({ host, port }: ListenAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine reaches `address`: 127.0.0.0/8 and ::1 (RFC 6890), mapped forms too, and localhost. */
export function isLoopback(address: string): boolean {
  const host = address.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(host);
  if (family === 0) return host.toLowerCase() === "localhost";
  const loopback = new BlockList();
  loopback.addSubnet("127.0.0.0", 8, "ipv4");
  loopback.addAddress("::1", "ipv6");
  return loopback.check(host, family === 6 ? "ipv6" : "ipv4");
}
