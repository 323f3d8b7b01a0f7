// Requests to go on as a WebSocket, on their way through the API: they are asked who they are, refused and recorded like
// all others, and only then leave HTTP.
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Refusal } from "../problem.ts";
import type { Upgrade } from "./web-socket.ts";

interface Pending extends Upgrade {
  /** The socket is no HTTP connection any more. */
  begin(): void;
}

const PENDING = Symbol("upgrade");
type Upgrading = IncomingMessage & { [PENDING]?: Pending };
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Has `answer` decide on a request that wants to go on as something else. */
export function answerUpgrade(answer: Answer, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  const onError = () => socket.destroy();
  socket.on("error", onError);
  response.once("finish", () => socket.destroySoon());
  const begin = () => {
    response.detachSocket(socket);
    socket.off("error", onError);
  };
  (request as Upgrading)[PENDING] = { socket, head, begin };
  answer(request, response);
}

/** Throws the refusal of a request that does not ask for it. */
export function upgradeOf(request: IncomingMessage): Pending {
  const pending = (request as Upgrading)[PENDING];
  if (pending !== undefined) return pending;
  throw new Refusal("invalid_request", {
    detail: "This path is a WebSocket: ask with Connection: Upgrade.",
    errorType: "no_handshake",
  });
}
