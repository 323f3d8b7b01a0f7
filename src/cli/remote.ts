// Another Daybook, through its API: where it is and which token it is asked with.
import { readFile } from "node:fs/promises";
import { type Client, ClientError, createClient } from "../client/client.ts";
import type { Environment } from "../config/environment.ts";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { visible } from "./event-table.ts";

export interface Remote {
  readonly url: URL;
  readonly token: string;
}

export interface RemoteFlags {
  readonly url?: string | undefined;
  readonly tokenFile?: string | undefined;
}

/** null: this machine. Throws `bad_argument`. */
export async function remoteOf(env: Environment, flags: RemoteFlags): Promise<Remote | null> {
  const text = flags.url ?? env.DAYBOOK_URL ?? "";
  return text === "" ? null : { url: urlOf(text), token: await tokenOf(env, flags) };
}

/** The typed client of the remote; what it rejects with, `remoteFailure` tells. */
export function clientOf({ url, token }: Remote): Client {
  return createClient({ url, token });
}

/** What the command fails with where it was the remote: as `refusedBy`, or `remote_failed`. */
export function remoteFailure(error: unknown, { url: { origin } }: Remote): unknown {
  if (!(error instanceof ClientError)) return error;
  const { status, code, message, cause } = error;
  const told = (what: string) => new DaybookError("remote_failed", `at ${origin} ${what}`, { cause: error });
  if (code === "unreachable")
    return told(`cannot be reached (${nativeCode((cause as Error)?.cause ?? cause)})`);
  if (status === 0 || (status >= 200 && status < 300)) return told(visible(message));
  return refusedBy(origin, status, code === "unexpected" ? null : { detail: message }, error);
}

/** Of requests that nobody there may make: neither address nor token is to blame. */
const REFUSALS: ReadonlySet<number> = new Set([400, 404, 409, 413, 422]);

/** The remote's refusal, with what it says: `remote_refused` where it is of the request itself, else `remote_failed`. */
function refusedBy(origin: string, status: number, body: unknown, cause?: unknown): DaybookError {
  const detail = (body as { detail?: unknown } | null)?.detail;
  const answered = `at ${origin} answered ${status}`;
  if (typeof detail !== "string") return new DaybookError("remote_failed", answered, { cause });
  const said = `${answered}: ${visible(detail).replace(/\.+$/, "")}`;
  if (REFUSALS.has(status)) return new DaybookError("remote_refused", `${said}.`, { cause });
  return new DaybookError("remote_failed", said, { cause });
}

/** The path below the remote's own, which may not be the root. */
export function targetOf({ url }: Remote, path: string): URL {
  return new URL(path.replace(/^\//, ""), url.href.replace(/\/*$/, "/"));
}

/** The page after `target` (RFC 8288). The token stays with the server that it is for. */
export function nextOf(link: string | null, target: URL): URL | null {
  const [, text] = /<([^>]*)>; *rel="?next"?/.exec(link ?? "") ?? [];
  if (text === undefined) return null;
  const next = URL.parse(text, target.href);
  if (next?.origin === target.origin) return next;
  throw new DaybookError("remote_failed", `at ${target.origin} points to another server for its next page`);
}

function urlOf(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new DaybookError(
    "bad_argument",
    "--url takes an http or https address, such as http://127.0.0.1:4141.",
  );
}

/** Never from the command line, where every user of the machine could read it. */
async function tokenOf(env: Environment, { tokenFile }: RemoteFlags): Promise<string> {
  const token = tokenFile === undefined ? env.DAYBOOK_TOKEN : (await readToken(tokenFile)).trim();
  if (token === undefined || token === "") {
    throw new DaybookError("bad_argument", "--url needs a token: set DAYBOOK_TOKEN, or give --token-file.");
  }
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new DaybookError("bad_argument", "The token has characters that no token has.");
  return token;
}

async function readToken(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new DaybookError("bad_argument", `Cannot read the token file ${file} (${nativeCode(error)}).`, {
      cause: error,
    });
  }
}
