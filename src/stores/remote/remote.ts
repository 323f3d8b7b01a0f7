// Requests to another Daybook's ingest routes. Whatever goes wrong rejects with a native name or `http_STATUS` as the
// error's code, and never with text from the other side.
import { DaybookError, nativeCode } from "../../event/errors.ts";

export interface Remote {
  /** Its address, without the token. */
  readonly shown: string;
  /** Resolves with the JSON of the answer; null where there is none. `lines`: an NDJSON body. */
  ask(method: "GET" | "POST", path: string, lines?: string): Promise<unknown>;
}

/** A whole queue, over a slow line. */
const TIMEOUT_MS = 120_000;

class RemoteFailure extends Error {
  readonly code: string;

  constructor(code: string, shown: string, options?: ErrorOptions) {
    super(`The Daybook at ${shown} did not take it (${code}).`, options);
    this.code = code;
  }
}

export function remoteAt(address: string): Remote {
  const url = URL.parse(address);
  if (url === null || url.password === "")
    throw new DaybookError("store_unusable", "at another Daybook: its address is https://ingest:TOKEN@HOST");
  const token = decodeURIComponent(url.password);
  const base = `${url.origin}${url.pathname.replace(/\/*$/, "/")}`;
  return {
    shown: url.origin,
    async ask(method, path, lines) {
      const { status, json } = await request(new URL(path, base), method, token, lines);
      if (status === 200 || status === 204) return json;
      throw new RemoteFailure(`http_${status}`, url.origin);
    },
  };
}

async function request(target: URL, method: string, token: string, lines: string | undefined) {
  try {
    const response = await fetch(target, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: "application/json",
        ...(lines === undefined ? {} : { "content-type": "application/x-ndjson" }),
      },
      ...(lines === undefined ? {} : { body: lines }),
      // A redirect would carry events and token to where nobody asked them to go.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    return { status: response.status, json: response.status === 200 ? (JSON.parse(text) as unknown) : null };
  } catch (error) {
    throw new RemoteFailure(nativeCode((error as Error).cause ?? error), target.origin, { cause: error });
  }
}
