// Another Daybook, through its API: where it is and which token it is asked with.
import { readFile } from "node:fs/promises";
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

const REMOTE_TIMEOUT_MS = 60_000;

/** null: this machine. Throws `bad_argument`. */
export async function remoteOf(env: Environment, flags: RemoteFlags): Promise<Remote | null> {
  const text = flags.url ?? env.DAYBOOK_URL ?? "";
  return text === "" ? null : { url: urlOf(text), token: await tokenOf(env, flags) };
}

/** Of requests that say what the remote will not do, whoever asks. */
const REFUSALS: ReadonlySet<number> = new Set([400, 404, 409, 413, 422]);

/** Asks `target` of the remote. Rejects with `remote_failed`. */
export async function askRemote(
  { token }: Remote,
  target: URL,
  { method = "GET", body }: { readonly method?: string; readonly body?: unknown } = {},
): Promise<Response> {
  try {
    return await fetch(target, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // A redirect would carry the token to where nobody asked it to go.
      redirect: "manual",
      signal: AbortSignal.timeout(REMOTE_TIMEOUT_MS),
    });
  } catch (error) {
    const reason = nativeCode((error as Error).cause ?? error);
    throw new DaybookError("remote_failed", `at ${target.origin} cannot be reached (${reason})`, {
      cause: error,
    });
  }
}

/** What the remote's refusal says. Where a request cannot be answered as it is: `remote_refused`; else `remote_failed`. */
export function refusalOf({ origin }: URL, status: number, body: unknown): DaybookError {
  const given = (body as { detail?: unknown } | null)?.detail;
  const detail = typeof given === "string" ? visible(given) : null;
  const answered = `at ${origin} answered ${status}`;
  if (detail !== null && REFUSALS.has(status))
    return new DaybookError("remote_refused", `${answered}: ${detail.replace(/\.*$/, ".")}`);
  return new DaybookError(
    "remote_failed",
    detail === null ? answered : `${answered}: ${detail.replace(/\.+$/, "")}`,
  );
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
