// A way to a Daybook that fails as networks do: requests are lost before they arrive, or their answers after; they
// arrive twice, at once or much later, when others have overtaken them.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface UnreliableWay {
  readonly url: string;
  /** Where it leads; null: to nothing that listens. */
  to: string | null;
  /** Every second request has an accident, each sort in its turn. */
  fails: boolean;
  readonly accidents: Record<"lost" | "unanswered" | "twice" | "again", number>;
  close(): Promise<void>;
}

export async function openUnreliableWay(): Promise<UnreliableWay> {
  let requests = 0;
  const old: { readonly path: string; readonly init: RequestInit }[] = [];
  const accidents = { lost: 0, unanswered: 0, twice: 0, again: 0 };
  const forward = (path: string, init: RequestInit) => fetch(`${way.to}${path}`, init);
  const carry = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = "GET", url = "/" } = request;
    const { authorization = "", "content-type": type } = request.headers;
    const body = method === "GET" ? null : await text(request);
    const init = {
      method,
      body,
      headers: { authorization, ...(type === undefined ? {} : { "content-type": type }) },
    };
    if (way.to === null) return void request.socket.destroy();
    const accident = way.fails && ++requests % 2 === 0 ? (requests / 2) % 4 : -1;
    if (accident === 0) {
      accidents.lost++;
      return void request.socket.destroy();
    }
    if (body !== null) old.push({ path: url, init });
    const other =
      accident === 2 ? { path: url, init } : accident === 3 ? old[requests % old.length] : undefined;
    const meanwhile =
      other === undefined ? null : forward(other.path, other.init).then((answer) => answer.text());
    if (accident === 2) accidents.twice++;
    if (accident === 3) accidents.again++;
    const answer = await forward(url, init);
    const answered = await answer.text();
    await meanwhile;
    if (accident === 1) {
      accidents.unanswered++;
      return void request.socket.destroy();
    }
    response.writeHead(answer.status, { "content-type": "application/json" }).end(answered);
  };
  const server = createServer((request, response) => {
    carry(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const way: UnreliableWay = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to: null,
    fails: false,
    accidents,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return way;
}
