// Who may read through the API: holders of a token whose role sees all events, as `Authorization: Bearer`
// (RFC 6750).
import type { FastifyRequest } from "fastify";
import type { ApiParts, TokenHolder } from "./api-parts.ts";
import { Refusal } from "./problem.ts";

/** A viewer sees only events of its own, which no path here can give it yet. */
const READERS: ReadonlySet<string> = new Set(["auditor", "admin"]);

/** The holder of the presented token. Throws the refusal: 401 with a challenge, or 403 for its role. */
export function authorize({ control }: ApiParts, request: FastifyRequest): TokenHolder {
  const [, presented] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "") ?? [];
  if (presented === undefined) {
    throw new Refusal("unauthorized", {
      detail: "No token was presented. Send it as Authorization: Bearer TOKEN.",
      errorType: "missing",
      // RFC 6750, section 3.1: no error code when there is nothing to judge.
      headers: { "www-authenticate": "Bearer" },
    });
  }
  const authentication = control.authenticateToken(presented);
  if (!authentication.ok) {
    throw new Refusal("unauthorized", {
      detail: "The token is not valid, has expired or was revoked.",
      errorType: authentication.reason,
      headers: { "www-authenticate": 'Bearer error="invalid_token"' },
    });
  }
  return authentication.token;
}

/** Throws 403 when the role of `token` does not read the whole trail. */
export function mayRead({ role }: TokenHolder): void {
  if (READERS.has(role)) return;
  throw new Refusal("forbidden", {
    detail: "This needs a token with the role auditor or admin.",
    errorType: "role",
    headers: { "www-authenticate": 'Bearer error="insufficient_scope"' },
  });
}

/** Whether the request comes from this machine itself, and not through a proxy on it. */
export function isLocal(parts: ApiParts, request: FastifyRequest): boolean {
  const { forwarded, "x-forwarded-for": forwardedFor } = request.headers;
  return (
    forwarded === undefined && forwardedFor === undefined && parts.isLoopback(parts.clientIp(request.raw))
  );
}
