// Between an MCP server and its transport: the SDK sets `onmessage` and `onclose` on the transport and calls `send`.

/** The part of the SDK's Transport that is touched. */
export interface Transport {
  onmessage?: ((message: unknown, extra?: unknown) => void) | undefined;
  onclose?: (() => void) | undefined;
  send(message: unknown, options?: unknown): Promise<void>;
}

export interface Interceptor {
  /** What is answered instead of handing the message on; null: nothing, and it is handed on. */
  received(message: unknown, extra: unknown): unknown | Promise<unknown>;
  /** Before a message is sent; it is not when this rejects. */
  sent(message: unknown): void | Promise<void>;
  closed(): void;
}

export function intercept(transport: Transport, between: Interceptor): void {
  const send = transport.send.bind(transport);
  transport.send = async (message, options) => {
    await between.sent(message);
    return send(message, options);
  };
  wrapOnSet(transport, "onmessage", (inner) => (message, extra) => {
    const hand = (instead: unknown) => {
      if (instead === null) inner(message, extra);
      else void send(instead, { relatedRequestId: (message as { id?: unknown }).id }).catch(() => {});
    };
    const instead = between.received(message, extra);
    // At once where nothing is waited for: the order of messages stays.
    if (instead instanceof Promise) void instead.then(hand);
    else hand(instead);
  });
  wrapOnSet(transport, "onclose", (inner) => () => {
    between.closed();
    inner();
  });
}

/** From now on a handler that is set is wrapped; where the transport's own accessor takes it, that takes the wrapped one. */
function wrapOnSet<Name extends "onmessage" | "onclose">(
  transport: Transport,
  name: Name,
  wrap: (inner: NonNullable<Transport[Name]>) => NonNullable<Transport[Name]>,
): void {
  const own = accessorOf(transport, name);
  let held = transport[name];
  Object.defineProperty(transport, name, {
    configurable: true,
    enumerable: true,
    get: () => (own?.get === undefined ? held : own.get.call(transport)),
    set(handler: Transport[Name]) {
      held = handler === undefined ? undefined : wrap(handler);
      own?.set?.call(transport, held);
    },
  });
}

function accessorOf(transport: object, name: string): PropertyDescriptor | null {
  for (let at: object | null = transport; at !== null; at = Object.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found !== undefined) return found.set === undefined ? null : found;
  }
  return null;
}
