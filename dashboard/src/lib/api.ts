// What the dashboard asks of the server it came from. Every failure is a Problem that says what happened and what to do.
import { resolve } from "$app/paths";

/** Problem details (RFC 9457) as the API writes them; `status` 0: there was no answer. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;

  constructor({
    status,
    code,
    detail,
    requestId,
  }: Pick<Problem, "status" | "code" | "requestId"> & { detail: string }) {
    super(detail);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
  }

  /** Whether it may go away by itself. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export interface Ask {
  readonly method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface Answer<T> {
  readonly data: T;
  readonly headers: Headers;
  /** Of the request, and of the event that it left. */
  readonly requestId: string;
}

/** The address of one of the server's paths, under whatever path it is served. */
export function addressOf(path: string): string {
  return `${resolve("/").replace(/\/$/, "")}${path}`;
}

/** Asks, and rejects with a Problem. An abort rejects as fetch does. */
export async function ask<T>(path: string, options: Ask = {}): Promise<Answer<T>> {
  const response = await send(path, options);
  const requestId = response.headers.get("x-request-id") ?? "";
  const text = await response.text();
  if (!response.ok) throw problemOf(response, text);
  return { data: (text === "" ? undefined : JSON.parse(text)) as T, headers: response.headers, requestId };
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await ask<T>(path, signal === undefined ? {} : { signal })).data;
}

/** The response itself, for what is read as a stream. Rejects with a Problem when it is a failure. */
export async function open(path: string, options: Ask = {}): Promise<Response> {
  const response = await send(path, options);
  if (!response.ok) throw problemOf(response, await response.text());
  return response;
}

async function send(path: string, { method = "GET", body, signal }: Ask): Promise<Response> {
  try {
    return await fetch(addressOf(path), {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new Problem({
      status: 0,
      code: "unreachable",
      detail: "Daybook does not answer. Check that it runs and that this machine reaches it.",
      requestId: null,
    });
  }
}

function problemOf(response: Response, text: string): Problem {
  const { status, headers } = response;
  const requestId = headers.get("x-request-id");
  try {
    const { detail, title, code } = JSON.parse(text) as Record<string, string | undefined>;
    return new Problem({
      status,
      code: code ?? "",
      detail: detail ?? title ?? `Answered ${status}.`,
      requestId,
    });
  } catch {
    // A proxy in between answered with a page of its own.
    return new Problem({ status, code: "", detail: `The server answered ${status}.`, requestId });
  }
}

/** `path` with parameters: what is null or undefined is left out, a list is repeated. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, unknown>> | URLSearchParams,
): string {
  const search = new URLSearchParams(parameters instanceof URLSearchParams ? parameters : undefined);
  if (!(parameters instanceof URLSearchParams)) {
    for (const [name, value] of Object.entries(parameters)) {
      for (const each of Array.isArray(value) ? value : [value])
        if (each !== null && each !== undefined) search.append(name, String(each));
    }
  }
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}
