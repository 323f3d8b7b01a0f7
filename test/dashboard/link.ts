// A connection between the browser and Daybook that can be broken.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

export interface Link {
  readonly url: string;
  /** While it is down, nothing gets through. */
  isDown: boolean;
  /** What comes from Daybook breaks off where this begins. */
  breakAt: string | null;
  /** How often it did. */
  broken: number;
  /** Kills every connection that there is. */
  cut(): void;
}

export async function breakable(t: Pick<TestContext, "after">, url: string): Promise<Link> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    if (link.isDown) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(new URL(url).port), "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    }
    near.pipe(far);
    far.on("data", (bytes: Buffer) => {
      const at = link.breakAt === null ? -1 : bytes.indexOf(link.breakAt);
      if (at < 0) return void near.write(bytes);
      link.broken += 1;
      near.write(bytes.subarray(0, at), () => near.resetAndDestroy());
    });
    far.on("end", () => near.end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const link: Link = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isDown: false,
    breakAt: null,
    broken: 0,
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
  };
  t.after(() => {
    server.close();
    link.cut();
  });
  return link;
}
