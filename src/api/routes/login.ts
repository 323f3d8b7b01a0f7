// Logging in and out, and who one is. The session's secret is in a cookie that no script can read and no other site
// can send.
import { stringifySetCookie } from "cookie";
import * as z from "zod";
import { ROLES } from "../../control/people-tables.ts";
import { SESSION_MS } from "../../control/sessions.ts";
import { REQUEST } from "../audit.ts";
import { SESSION_COOKIE } from "../authorize.ts";
import { Refusal } from "../problem.ts";
import { type Call, holderOf, type Route, route } from "../route.ts";
import { SECRET, SHOWN_TIME, shownTime } from "../values.ts";

const WHO = z.object({
  user_id: z.string().nullable(),
  name: z.string(),
  role: z.enum(ROLES),
  grants: z.array(z.string()).describe("What the holder may ask for."),
  token_id: z.string().nullable(),
  session_id: z.string().nullable(),
  expires_at: SHOWN_TIME.nullable().describe("When the session ends."),
});

const ENTITY = { entityType: "session", kind: "auth" } as const;

export const LOGIN_ROUTES: readonly Route[] = [
  route({
    method: "POST",
    path: "/auth/login",
    access: "anyone",
    audit: REQUEST,
    changes: { ...ENTITY, action: "login" },
    body: z.object({ name: z.string().max(128), password: z.string().max(256) }),
    answers: z.object({ user_id: z.string(), name: z.string(), role: z.enum(ROLES), expires_at: SHOWN_TIME }),
    about:
      "Opens a session of twelve hours; its secret comes as the cookie `daybook_session` (HttpOnly, SameSite=Strict). Failures slow down, per account and source: 429 with `Retry-After`.",
    answer: login,
  }),
  route({
    method: "POST",
    path: "/auth/login/token",
    access: "anyone",
    audit: REQUEST,
    changes: { ...ENTITY, action: "login" },
    body: z.object({ token: SECRET }),
    answers: z.object({
      user_id: z.string().nullable(),
      name: z.string(),
      role: z.enum(ROLES),
      expires_at: SHOWN_TIME,
    }),
    about:
      "Opens a session for a token, which may what the token may and ends with it, so that a browser need not keep the token.",
    answer: loginByToken,
  }),
  route({
    method: "POST",
    path: "/auth/logout",
    access: "known",
    audit: REQUEST,
    changes: { ...ENTITY, action: "logout" },
    about: "Ends the session of the cookie.",
    async answer(call) {
      const { session } = holderOf(call);
      if (session === null) {
        throw new Refusal("invalid_request", {
          detail: "There is no session to end. A token is revoked, not logged out.",
          errorType: "no_session",
        });
      }
      await call.parts.sessions.logout(call.actor, session);
      setCookie(call, "", 0);
    },
  }),
  ...["/me", "/admin/me"].map((path) =>
    route({
      method: "GET",
      path,
      access: "known",
      audit: REQUEST,
      answers: WHO,
      about: "Who asks, and what they may.",
      async answer(call) {
        const { userId, name, role, grants, tokenId, session } = holderOf(call);
        return {
          user_id: userId,
          name,
          role,
          grants: [...grants],
          token_id: tokenId,
          session_id: session?.id ?? null,
          expires_at: shownTime(session?.expiresAt ?? null),
        };
      },
    }),
  ),
];

async function login(call: Call<undefined, { name: string; password: string }>) {
  const { parts, body, actor, request, throttle } = call;
  const source = parts.clientIp(request.raw);
  const waitMs = throttle.waitMs(body.name, source);
  if (waitMs > 0) {
    throw new Refusal("limit_exceeded", {
      detail: "Too many failed logins. Wait before the next.",
      errorType: "login_throttled",
      headers: { "retry-after": String(Math.ceil(waitMs / 1000)) },
    });
  }
  const done = await parts.sessions.login(actor, body.name, body.password);
  if (!done.ok) {
    // Always an event of its own: were those of unknown names counted together, the answer would tell them apart.
    call.audit?.begin();
    throw new Refusal("unauthorized", {
      // The same for every reason: who may log in is nobody's business.
      detail: "Name or password is wrong.",
      errorType: done.reason,
      facts: { userId: done.userId },
    });
  }
  throttle.succeeded(body.name, source);
  const { user, session, secret } = done;
  setCookie(call, secret, SESSION_MS / 1000);
  return { user_id: user.id, name: user.name, role: user.role, expires_at: shownTime(session.expiresAt) };
}

async function loginByToken(call: Call<undefined, { token: string }>) {
  const { parts, body, actor } = call;
  const done = await parts.sessions.loginByToken(actor, body.token);
  if (!done.ok) {
    throw new Refusal("unauthorized", {
      detail: "The token is not valid, has expired or was revoked.",
      errorType: done.reason,
      ...(done.tokenId === undefined ? {} : { facts: { apiKeyId: done.tokenId } }),
    });
  }
  const { token, session, secret } = done;
  setCookie(call, secret, SESSION_MS / 1000);
  return {
    user_id: token.userId,
    name: token.name,
    role: token.role,
    expires_at: shownTime(session.expiresAt),
  };
}

function setCookie({ parts, request, reply }: Call, value: string, maxAge: number): void {
  const cookie = {
    name: SESSION_COOKIE,
    value,
    maxAge,
    path: "/",
    httpOnly: true,
    sameSite: "strict",
  } as const;
  reply.header("set-cookie", stringifySetCookie({ ...cookie, secure: parts.isSecure(request.raw) }));
}
