// A bucket that keeps whoever brings something waiting until it is opened.
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface Bucket {
  readonly url: string;
  /** Objects that somebody has brought. */
  asked(): number;
  /** Paths of the objects that were taken. */
  kept(): readonly string[];
  open(): void;
}

export async function slowBucket(t: Pick<TestContext, "after">): Promise<Bucket> {
  let isOpen = false;
  let asked = 0;
  const kept: string[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response: ServerResponse) => {
    request.resume();
    await once(request, "end");
    asked += 1;
    const take = () => {
      if (response.destroyed) return;
      kept.push(new URL(request.url ?? "/", "http://x").pathname);
      response.writeHead(200, { etag: '"1"' }).end();
    };
    if (isOpen) take();
    else waiting.add(take);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    kept: () => kept,
    open() {
      isOpen = true;
      for (const take of waiting) take();
      waiting.clear();
    },
  };
}
