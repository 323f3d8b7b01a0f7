// Tokens.
import * as z from "zod";
import { ROLES, SCOPES } from "../../control/people-tables.ts";
import type { Token } from "../../control/tokens.ts";
import { DaybookError } from "../../event/errors.ts";
import type { ApiParts } from "../api-parts.ts";
import { REQUEST } from "../audit.ts";
import { mayGive } from "../authorize.ts";
import { listPage, PAGE_QUERY } from "../listing.ts";
import { holderOf, type Route, route } from "../route.ts";
import { REASON_BODY, SHOWN_TIME, shownTime, TIME } from "../values.ts";

const TOKEN = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  scopes: z.array(z.enum(SCOPES)).nullable(),
  user_id: z.string().nullable(),
  prefix: z.string().nullable(),
  created_at: SHOWN_TIME,
  expires_at: SHOWN_TIME.nullable(),
  revoked_at: SHOWN_TIME.nullable(),
});
/** With the secret, which is shown this once. */
const ISSUED = TOKEN.extend({ secret: z.string() });

const ENTITY = { entityType: "token" } as const;
const ADMIN = { access: ["admin"], audit: REQUEST } as const;

export const TOKEN_ROUTES: readonly Route[] = [
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/tokens",
    query: PAGE_QUERY,
    answers: z.array(TOKEN),
    about: "Tokens, newest first, without their secrets.",
    answer: (call) => listPage(call, (page) => call.parts.tokens.list(page), shown),
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: "/admin/tokens",
    changes: { ...ENTITY, action: "token_created" },
    body: z.object({
      name: z.string().describe("For people: 1 to 128 characters."),
      role: z.enum(ROLES),
      scopes: z
        .array(z.enum(SCOPES))
        .nullish()
        .describe("What it is for; none: everything that its role allows."),
      user_id: z
        .string()
        .nullish()
        .describe("Id or name of its owner; a viewer's token reads this user's events."),
      expires_at: TIME.nullish(),
    }),
    answers: ISSUED,
    status: 201,
    about: "Makes a token, which may do no more than who makes it. `secret` is shown this once.",
    async answer(call) {
      const { parts, actor, body } = call;
      const { user_id: userId, expires_at: expiresAt, ...rest } = body;
      const owner = userId == null ? null : (await parts.users.get(userId)).id;
      mayGive(holderOf(call), body.role, body.scopes ?? null, owner);
      const { id, secret } = await parts.tokens.create(actor, { ...rest, userId, expiresAt });
      return { ...shown(await found(parts, id)), secret };
    },
  }),
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/tokens/:id",
    answers: TOKEN,
    about: "One token, or 404.",
    answer: async ({ parts, params }) => shown(await found(parts, params.id ?? "")),
  }),
  route({
    ...ADMIN,
    method: "DELETE",
    path: "/admin/tokens/:id",
    changes: { ...ENTITY, action: "token_revoked" },
    body: REASON_BODY,
    about: "Revokes the token: requests with it are refused at once.",
    answer: async ({ parts, params, actor, body }) => {
      await parts.tokens.revoke(actor, params.id ?? "", body.justification);
    },
  }),
];

async function found({ tokens }: ApiParts, id: string): Promise<Token> {
  const token = await tokens.get(id);
  if (token === null) throw new DaybookError("unknown_entity", "such token");
  return token;
}

function shown(token: Token): z.output<typeof TOKEN> {
  return {
    id: token.id,
    name: token.name,
    role: token.role,
    scopes: token.scopes === null ? null : [...token.scopes],
    user_id: token.userId,
    prefix: token.prefix,
    created_at: shownTime(token.createdAt),
    expires_at: shownTime(token.expiresAt),
    revoked_at: shownTime(token.revokedAt),
  };
}
