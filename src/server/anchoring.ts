// Anchors: what the logs of this data folder are, told every few seconds to places that whoever can change the logs
// cannot change: a file on another mount, a syslog server, a webhook. They come from the configuration file alone.
import { createSocket } from "node:dgram";
import { open } from "node:fs/promises";
import { connect, isIP, type Socket } from "node:net";
import { hostname } from "node:os";
import { connect as connectTls } from "node:tls";
import type { AnchorTarget } from "../config/config.ts";
import { nativeCode } from "../event/errors.ts";
import { type AnchorLine, writeAnchorLine } from "../evidence/anchors.ts";
import { readSealed } from "../journal/sealed.ts";
import { seeSlots } from "../journal/seen-slots.ts";

export interface AnchorStatus {
  readonly kind: AnchorTarget["kind"];
  /** Place among the configured ones, from 0. */
  readonly index: number;
  /** When the newest line arrived, UTC ms; 0: none yet. */
  readonly at: number;
  /** Why the last one did not; a native code or HTTP status; null while all is well. */
  readonly trouble: string | null;
}

export interface AnchoringOptions {
  readonly home: string;
  readonly targets: readonly AnchorTarget[];
  /** Wall clock, UTC ms. */
  readonly now: () => number;
}

const EVERY_MS = 10_000;
const SEND_MS = 5000;
/** RFC 5424: facility 13 (log audit), severity 5 (notice). */
const PRIORITY = 13 * 8 + 5;

export class Anchoring {
  readonly #options: AnchoringOptions;
  readonly #statuses: AnchorStatus[];
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #last = "";

  constructor(options: AnchoringOptions) {
    this.#options = options;
    this.#statuses = options.targets.map(({ kind }, index) => ({ kind, index, at: 0, trouble: null }));
  }

  get statuses(): readonly AnchorStatus[] {
    return this.#statuses;
  }

  /** Now, and then every ten seconds, when there is a checkpoint that was not anchored yet. */
  start(): void {
    if (this.#options.targets.length === 0) return;
    this.#timer = setInterval(() => void this.anchor(), EVERY_MS).unref();
    void this.anchor();
  }

  /** Anchors what is sealed now; what a place refuses is in its status. Never rejects. */
  anchor(): Promise<void> {
    this.#running ??= this.#anchor().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Anchors once more: the last checkpoint of this node. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#running;
    if (this.#options.targets.length > 0) await this.anchor();
  }

  async #anchor(): Promise<void> {
    const { home, targets, now } = this.#options;
    const sealed = seeSlots(home).flatMap(({ nodeId, folder }) => {
      const checkpoint = nodeId === null ? undefined : readSealed(folder)?.checkpoint;
      if (nodeId === null || checkpoint === undefined) return [];
      return [
        {
          nodeId,
          size: checkpoint.size,
          root: Buffer.from(checkpoint.root).toString("hex"),
          at: checkpoint.at,
        },
      ];
    });
    const what = JSON.stringify(sealed);
    const isNews = what !== this.#last || this.#statuses.some(({ trouble }) => trouble !== null);
    if (sealed.length === 0 || !isNews) return;
    const line = { at: now(), logs: sealed };
    await Promise.all(targets.map((target, index) => this.#tell(target, index, line)));
    this.#last = what;
  }

  async #tell(target: AnchorTarget, index: number, line: AnchorLine): Promise<void> {
    const status = { kind: target.kind, index };
    try {
      await SENDERS[target.kind](target.to, line);
      this.#statuses[index] = { ...status, at: line.at, trouble: null };
    } catch (error) {
      this.#statuses[index] = { ...status, at: this.#statuses[index]?.at ?? 0, trouble: nativeCode(error) };
    }
  }
}

type Send = (to: string, line: AnchorLine) => Promise<void>;

const SENDERS: Readonly<Record<AnchorTarget["kind"], Send>> = {
  file: async (path, line) => {
    const file = await open(path, "a", 0o600);
    try {
      await file.appendFile(`${writeAnchorLine(line)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  syslog: async (address, line) => {
    const { protocol, hostname: host, port } = new URL(address);
    const text = `<${PRIORITY}>1 ${new Date(line.at).toISOString()} ${hostname()} daybook ${process.pid} anchor - ${writeAnchorLine(line)}`;
    const message = Buffer.from(text);
    const at = {
      host: host.replace(/^\[|\]$/g, ""),
      port: Number(port || (protocol === "tls:" ? 6514 : 514)),
    };
    if (protocol === "udp:") return sendDatagram(at, message);
    // Octet counting (RFC 6587 section 3.4.1, RFC 5425 section 4.3).
    const framed = Buffer.concat([Buffer.from(`${message.length} `), message]);
    return sendStream(
      protocol === "tls:" ? connectTls({ ...at, ...serverName(at.host) }) : connect(at),
      framed,
    );
  },
  webhook: async (url, line) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: writeAnchorLine(line),
      redirect: "error",
      signal: AbortSignal.timeout(SEND_MS),
    });
    await response.body?.cancel();
    if (!response.ok)
      throw Object.assign(new Error("the webhook refused"), { code: `HTTP_${response.status}` });
  },
};

/** An address is no name (RFC 6066 section 3); the certificate is held to it all the same. */
const serverName = (host: string) => (isIP(host) === 0 ? { servername: host } : {});

function sendDatagram({ host, port }: { host: string; port: number }, message: Buffer): Promise<void> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  return new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.send(message, port, host, (error) => (error === null ? resolve() : reject(error)));
  }).finally(() => socket.close());
}

/** Resolves when the other side has ended the connection, or the system has taken all of it. */
function sendStream(socket: Socket, message: Buffer): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    socket.setTimeout(SEND_MS, () => reject(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    socket.once("error", reject);
    socket.end(message, (error?: Error | null) => (error ? reject(error) : resolve()));
  }).finally(() => socket.destroySoon());
}
