// Users.
import * as z from "zod";
import { ROLES } from "../../control/people-tables.ts";
import type { User } from "../../control/users.ts";
import { REQUEST } from "../audit.ts";
import { mayGive } from "../authorize.ts";
import { listPage, PAGE_QUERY } from "../listing.ts";
import { holderOf, type Route, route } from "../route.ts";
import { JUSTIFICATION, REASON_BODY, SECRET, SHOWN_TIME, shownTime } from "../values.ts";

const USER = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  password_stored: z.boolean(),
  created_at: SHOWN_TIME,
  disabled_at: SHOWN_TIME.nullable(),
});

const ENTITY = { entityType: "user" } as const;
const ADMIN = { access: ["admin"], audit: REQUEST } as const;
const NAME = z.string().describe("To log in with: 1 to 128 characters, unique whatever their case.");
const ROLE = z.enum(ROLES).describe("What sessions of this user may do.");

export const USER_ROUTES: readonly Route[] = [
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/users",
    query: PAGE_QUERY,
    answers: z.array(USER),
    about: "Users, newest first.",
    answer: (call) => listPage(call, (page) => call.parts.users.list(page), shown),
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: "/admin/users",
    changes: { ...ENTITY, action: "user_created" },
    body: z.object({
      name: NAME,
      role: ROLE,
      password: SECRET.nullish().describe("At least 12 characters; none: the user cannot log in."),
    }),
    answers: USER,
    status: 201,
    about: "Makes a user, who may do no more than who makes it.",
    async answer(call) {
      mayGive(holderOf(call), call.body.role, null, null);
      return shown(await call.parts.users.create(call.actor, call.body));
    },
  }),
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/users/:id",
    answers: USER,
    about: "One user, by id or name, or 404.",
    answer: async ({ parts, params }) => shown(await parts.users.get(params.id ?? "")),
  }),
  route({
    ...ADMIN,
    method: "PATCH",
    path: "/admin/users/:id",
    changes: { ...ENTITY, action: "user_updated" },
    body: z.object({
      name: NAME.optional(),
      role: ROLE.optional(),
      password: SECRET.nullable()
        .optional()
        .describe("null takes it away; any change ends the user's sessions."),
      disabled: z.boolean().optional().describe("Shuts out the user's sessions, keys and tokens at once."),
      justification: JUSTIFICATION,
    }),
    answers: USER,
    about: "Changes what is given, and leaves the rest.",
    async answer(call) {
      const { parts, params, actor, body } = call;
      const { justification, ...patch } = body;
      const user = await parts.users.get(params.id ?? "");
      // Who sets a password can log in with it.
      if (patch.role !== undefined || typeof patch.password === "string")
        mayGive(holderOf(call), patch.role ?? user.role, null, user.id);
      return shown(await parts.users.update(actor, user.id, patch, justification));
    },
  }),
  route({
    ...ADMIN,
    method: "DELETE",
    path: "/admin/users/:id",
    changes: { ...ENTITY, action: "user_deleted" },
    body: REASON_BODY,
    about: "Deletes the user; sessions, keys and tokens of it are refused at once. Events keep its id.",
    answer: async ({ parts, params, actor, body }) => {
      await parts.users.delete(actor, params.id ?? "", body.justification);
    },
  }),
];

function shown(user: User): z.output<typeof USER> {
  return {
    id: user.id,
    name: user.name,
    role: user.role,
    password_stored: user.passwordStored,
    created_at: shownTime(user.createdAt),
    disabled_at: shownTime(user.disabledAt),
  };
}
