// One request to a Daybook, from Node or a browser: a token as a header, or the browser's own cookie. Refusals are
// thrown as ClientError with what Daybook said.

export interface ClientOptions {
  /** Where Daybook is, with the path that it is served below, if any: `https://audit.example/daybook`. */
  readonly url: string | URL;
  /** Sent as `Authorization: Bearer`; without one the browser's session cookie counts. */
  readonly token?: string;
  readonly fetch?: typeof globalThis.fetch;
  /** How long an answer may take to begin; 60 s unless said. */
  readonly timeoutMs?: number;
}

export interface AskInit {
  readonly method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  readonly query?: URLSearchParams;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** Asks; resolves with an answer that is no refusal. Rejects with a ClientError. */
export type Ask = (path: string, init?: AskInit) => Promise<Response>;

/** What Daybook answered instead of what was asked for, or why there is no answer (`status` 0). */
export class ClientError extends Error {
  override readonly name = "ClientError";
  /** Of the HTTP answer; 0 when there is none. */
  readonly status: number;
  /** As in docs/reference/errors.md; `unreachable` when there is no answer, `unexpected` when it is not Daybook's. */
  readonly code: string;
  readonly requestId: string | null;
  /** How long to wait before asking again, where the answer says so. */
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    about: {
      readonly status?: number;
      readonly code: string;
      readonly requestId?: string | null;
      readonly retryAfterMs?: number | null;
      readonly cause?: unknown;
    },
  ) {
    super(message, about.cause === undefined ? {} : { cause: about.cause });
    this.status = about.status ?? 0;
    this.code = about.code;
    this.requestId = about.requestId ?? null;
    this.retryAfterMs = about.retryAfterMs ?? null;
  }
}

const TIMEOUT_MS = 60_000;

export function createAsk({
  url,
  token,
  fetch = globalThis.fetch,
  timeoutMs = TIMEOUT_MS,
}: ClientOptions): Ask {
  const base = String(url).replace(/\/*$/, "/");
  return async (path, { method = "GET", query, body, headers = {}, signal } = {}) => {
    const target = new URL(path.replace(/^\//, ""), base);
    if (query !== undefined) target.search = query.toString();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    let response: Response;
    try {
      response = await fetch(target, {
        method,
        headers: {
          accept: "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // A redirect would carry the token to where nobody asked it to go.
        redirect: "manual",
        credentials: token === undefined ? "same-origin" : "omit",
        signal: signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]),
      });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw new ClientError(`Daybook at ${target.origin} cannot be reached.`, {
        code: "unreachable",
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
    if (response.ok) return response;
    throw await refusalOf(response, target);
  };
}

async function refusalOf(response: Response, { origin }: URL): Promise<ClientError> {
  const { status, headers } = response;
  const problem = (await response.json().catch(() => null)) as Readonly<Record<string, unknown>> | null;
  const { detail, code, request_id: requestId } = problem ?? {};
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return new ClientError(typeof detail === "string" ? detail : `Daybook at ${origin} answered ${status}.`, {
    status,
    code: typeof code === "string" ? code : "unexpected",
    requestId: typeof requestId === "string" ? requestId : headers.get("x-request-id"),
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : null,
  });
}

/** The body as JSON. Rejects with a ClientError when it is none, or does not come whole. */
export async function jsonOf<T>(response: Response): Promise<T> {
  let text: string;
  try {
    text = await response.text();
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw error;
    throw new ClientError("The answer broke off.", { code: "unreachable", cause: error });
  }
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new ClientError("The answer is not JSON: it does not come from Daybook.", {
      status: response.status,
      code: "unexpected",
      cause: error,
    });
  }
}
