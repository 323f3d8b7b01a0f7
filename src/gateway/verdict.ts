// What a request's head decides: whose it is, or why it is refused.
import type { IncomingMessage } from "node:http";
import type { Endpoint } from "./endpoints.ts";
import type { Key } from "./inference.ts";
import type { OwnFailure, RefusalDetail } from "./own-answer.ts";
import { presentedKey } from "./wire.ts";

export type KeyCheck =
  | { readonly ok: true; readonly key: Key }
  | { readonly ok: false; readonly reason: string; readonly keyId?: string };

export interface Refused {
  readonly ok: false;
  readonly code: OwnFailure;
  readonly detail: RefusalDetail;
  /** Whose key was presented, valid or not; null: nobody's, so that anybody can make as many of these as they like. */
  readonly keyId: string | null;
}

export type Verdict = { readonly ok: true; readonly key: Key } | Refused;

const NO_PATH: RefusalDetail = { message: "There is no such path." };
const NO_KEY: RefusalDetail = { message: "No API key: send it as `Authorization: Bearer …` or `x-api-key`." };

export function verdictOn(
  request: IncomingMessage,
  { methods }: Endpoint,
  authenticate: (presented: string) => KeyCheck,
): Verdict {
  const presented = presentedKey(request);
  const check = presented === null ? null : authenticate(presented);
  const keyId = check === null ? null : check.ok ? check.key.id : (check.keyId ?? null);
  if (request.httpVersion === "1.1" && request.headers.host === undefined)
    return { ok: false, code: "malformed_http", detail: {}, keyId };
  if (methods === "none") return { ok: false, code: "not_found", detail: NO_PATH, keyId };
  if (methods !== "any" && request.method !== methods)
    return { ok: false, code: "method_not_allowed", detail: { headers: { allow: methods } }, keyId };
  if (check === null) return { ok: false, code: "unauthorized", detail: NO_KEY, keyId };
  if (!check.ok) return { ok: false, code: "unauthorized", detail: { errorType: check.reason }, keyId };
  return { ok: true, key: check.key };
}
