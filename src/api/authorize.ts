// Who asks, and what they may. Tokens come as `Authorization: Bearer` (RFC 6750), sessions as a cookie. A role says
// how far its holder may go; the scopes of a token narrow that, never widen it.
import { parseCookie } from "cookie";
import type { FastifyRequest } from "fastify";
import type { FieldName } from "../event/fields.ts";
import type { EventFilter } from "../query/filter.ts";
import type { ApiParts } from "./api-parts.ts";
import { Refusal } from "./problem.ts";

/** What a route asks for: events of one's own; all events; configuration; handing in events of other services. */
export type Grant = "own" | "audit:read" | "admin" | "ingest";

/** Who asks. */
export interface Holder {
  /** Of the token or session. */
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly grants: ReadonlySet<Grant>;
  readonly userId: string | null;
  /** null: no token, or no session. */
  readonly tokenId: string | null;
  readonly session: {
    readonly id: string;
    readonly userId: string | null;
    readonly expiresAt: number;
  } | null;
}

const OF_ROLE: Readonly<Record<string, readonly Grant[]>> = {
  viewer: ["own"],
  auditor: ["own", "audit:read"],
  admin: ["own", "audit:read", "admin", "ingest"],
};
const OF_SCOPE: Readonly<Record<string, readonly Grant[]>> = {
  "audit:read": ["own", "audit:read"],
  admin: ["own", "admin"],
  ingest: ["ingest"],
};

export const SESSION_COOKIE = "daybook_session";

/** What `role` and `scopes` (null: no narrowing) allow together. */
export function grantsOf(role: string, scopes: readonly string[] | null): ReadonlySet<Grant> {
  const byRole = OF_ROLE[role] ?? [];
  if (scopes === null) return new Set(byRole);
  const byScope = new Set(scopes.flatMap((scope) => OF_SCOPE[scope] ?? []));
  return new Set(byRole.filter((grant) => byScope.has(grant)));
}

/** Who presented a token or a session's cookie. Throws the refusal: 401 with a challenge. */
export function authenticate(parts: ApiParts, request: Pick<FastifyRequest, "headers">): Holder {
  if (parts.trusted !== undefined) return parts.trusted;
  const { authorization, cookie } = request.headers;
  if (authorization !== undefined) return tokenHolder(parts, authorization);
  const secret = cookie === undefined ? undefined : parseCookie(cookie)[SESSION_COOKIE];
  if (secret === undefined) throw missing();
  return sessionHolder(parts, secret);
}

function tokenHolder({ tokens }: ApiParts, authorization: string): Holder {
  const [, presented] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
  if (presented === undefined) throw missing();
  const check = tokens.check(presented);
  if (!check.ok) {
    throw new Refusal("unauthorized", {
      detail: "The token is not valid, has expired or was revoked.",
      errorType: check.reason,
      headers: { "www-authenticate": 'Bearer error="invalid_token"' },
      ...(check.tokenId === undefined ? {} : { facts: { apiKeyId: check.tokenId } }),
    });
  }
  const { id, name, role, scopes, userId } = check.token;
  return { id, name, role, userId, grants: grantsOf(role, scopes), tokenId: id, session: null };
}

function sessionHolder({ sessions }: ApiParts, secret: string): Holder {
  const check = sessions.check(secret);
  if (!check.ok) {
    throw new Refusal("unauthorized", {
      detail: "The session is over. Log in again.",
      errorType: check.reason,
      headers: { "www-authenticate": "Bearer" },
      ...(check.userId === undefined ? {} : { facts: { userId: check.userId } }),
    });
  }
  const { session } = check;
  if ("token" in check) {
    const { id, name, role, scopes, userId } = check.token;
    return { id: session.id, name, role, userId, grants: grantsOf(role, scopes), tokenId: id, session };
  }
  const { id, name, role } = check.user;
  return { id: session.id, name, role, userId: id, grants: grantsOf(role, null), tokenId: null, session };
}

/** Who presented an API key, as clients of the gateway do: `Authorization: Bearer`, or `x-api-key`. Throws 401. */
export function client({ keys }: ApiParts, { headers }: Pick<FastifyRequest, "headers">): Holder {
  const [, bearer] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? "") ?? [];
  const { "x-api-key": key } = headers;
  const check = keys.check(bearer ?? (typeof key === "string" ? key : ""));
  if (!check.ok) {
    throw new Refusal("unauthorized", {
      detail: "No valid API key was presented. Send it as Authorization: Bearer KEY.",
      errorType: check.reason,
      headers: { "www-authenticate": "Bearer" },
      ...(check.keyId === undefined ? {} : { facts: { apiKeyId: check.keyId } }),
    });
  }
  const { id, name, userId } = check.key;
  return { id, name, role: "client", userId, grants: new Set(), tokenId: id, session: null };
}

function missing(): Refusal {
  return new Refusal("unauthorized", {
    detail: "No token was presented. Send it as Authorization: Bearer TOKEN, or log in.",
    errorType: "missing",
    // RFC 6750, section 3.1: no error code when there is nothing to judge.
    headers: { "www-authenticate": "Bearer" },
  });
}

/** Throws 403 when the holder has none of the grants that a route asks for. */
export function mayAsk({ grants, role }: Holder, asked: readonly Grant[]): void {
  if (asked.some((grant) => grants.has(grant))) return;
  // Whether the role or the scopes of a token stand in the way.
  const byRole = asked.some((grant) => (OF_ROLE[role] ?? []).includes(grant));
  throw new Refusal("forbidden", {
    detail: byRole
      ? "The scopes of this token do not allow this."
      : `This needs the role ${rolesWith(asked).join(" or ")}.`,
    errorType: byRole ? "scope" : "role",
    headers: { "www-authenticate": 'Bearer error="insufficient_scope"' },
  });
}

/**
 * Throws 403 when `role` and `scopes` allow what the holder may not do itself: nobody gives out more than they have.
 * `owner`: whose events can then be read as one's own; null: nobody's yet.
 */
export function mayGive(
  { grants, userId }: Holder,
  role: string,
  scopes: readonly string[] | null,
  owner: string | null,
): void {
  const given = grantsOf(role, scopes);
  const isOthers = given.has("own") && owner !== null && owner !== userId && !grants.has("audit:read");
  if (!isOthers && [...given].every((grant) => grants.has(grant))) return;
  throw new Refusal("forbidden", {
    detail: "The scopes of this token do not allow what it would give out.",
    errorType: "scope",
  });
}

function rolesWith(asked: readonly Grant[]): string[] {
  return Object.keys(OF_ROLE).filter((role) => asked.some((grant) => OF_ROLE[role]?.includes(grant)));
}

/**
 * `filter`, as far as `holder` may look: holders without `audit:read` see events of their own user. Throws 403 when
 * they ask for those of others, or have no user.
 */
export function withinReach<Filter extends EventFilter>({ grants, userId }: Holder, filter: Filter): Filter {
  if (grants.has("audit:read")) return filter;
  const { user_id: asked } = filter.where;
  if (userId !== null && (asked === undefined || asked.every((id) => id === userId)))
    return { ...filter, where: { ...filter.where, user_id: [userId] } };
  throw new Refusal("forbidden", {
    detail:
      userId === null
        ? "This token belongs to no user, so there are no events of its own to read."
        : "This shows events of your own only.",
    errorType: "role",
  });
}

/** Fields that `holder` sees as null: what tools were given is for those who may read everything. */
export function hiddenFrom({ grants }: Holder): readonly FieldName[] {
  return grants.has("audit:read") ? [] : ["input_json"];
}

/** Whether the request comes from this machine itself, and not through a proxy on it. */
export function isLocal(parts: ApiParts, request: FastifyRequest): boolean {
  const { forwarded, "x-forwarded-for": forwardedFor } = request.headers;
  return (
    forwarded === undefined && forwardedFor === undefined && parts.isLoopback(parts.clientIp(request.raw))
  );
}

/**
 * Throws 403 for a change that another site may have made this browser ask for. A cookie counts only when the browser
 * says that the page is our own; a token is sent by no browser on its own.
 */
export function refuseCrossSite(request: FastifyRequest, holder: Holder | null): void {
  if (holder !== null && holder.session === null) return;
  const { origin, host, "sec-fetch-site": site } = request.headers;
  const isOwn = site === undefined ? origin !== undefined && hostOf(origin) === host : site === "same-origin";
  const isSilent = site === undefined && origin === undefined;
  if (isOwn || (isSilent && holder === null)) return;
  throw new Refusal("forbidden", {
    detail: "With a session, changes can only be asked for by Daybook's own pages. Use a token instead.",
    errorType: "cross_site",
  });
}

function hostOf(origin: string): string | null {
  return URL.parse(origin)?.host ?? null;
}
