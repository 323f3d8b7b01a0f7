// The server that the dashboard came from, through the same client that everybody has. The session's cookie goes along
// by itself.

import { visible } from "#lib/text.ts";
import { resolve } from "$app/paths";
import { jsonOf } from "../../../src/client/ask.ts";
import { type Client, ClientError, createClient } from "../../../src/client/client.ts";

export { ClientError };

/** Where the server is, under whatever path it is served. */
const base = resolve("/").replace(/\/$/, "");

export const daybook: Client = createClient({ url: new URL(`${base}/`, location.href) });

/** The address of one of the server's paths, or of a page. */
export function addressOf(path: string): string {
  return base + path;
}

export interface Answer<T> {
  readonly data: T;
  readonly headers: Headers;
  /** Of the request, and of the event that it left. */
  readonly requestId: string;
}

export interface Sent {
  readonly method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Asks, and reads the answer as JSON. Rejects with a ClientError. */
export async function ask<T>(path: string, sent: Sent = {}): Promise<Answer<T>> {
  const [pathname = "", search = ""] = path.split("?", 2);
  const response = await daybook.ask(pathname, { ...sent, query: new URLSearchParams(search) });
  const data = response.status === 204 ? (undefined as T) : await jsonOf<T>(response);
  return { data, headers: response.headers, requestId: response.headers.get("x-request-id") ?? "" };
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await ask<T>(path, signal === undefined ? {} : { signal })).data;
}

/** Whether it may go away by itself. */
export function isPassing({ status }: ClientError): boolean {
  return status === 0 || status === 429 || status >= 500;
}

/** What went wrong, in words for people. */
export function failureText(error: unknown): string {
  return error instanceof ClientError ? visible(error.message) : "The dashboard failed. Load the page again.";
}

/** `path` with parameters; what is null or undefined is left out, and each of a list is given. */
export function withQuery(path: string, parameters: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    [value]
      .flat()
      .filter((each) => each !== null && each !== undefined)
      .map((each) => [name, String(each)]),
  );
  const search = new URLSearchParams(given);
  return given.length === 0 ? path : `${path}?${search}`;
}
