// Limits of single keys and users. What is not set for one is as the configuration has it for all (`quotas`).
import * as z from "zod";
import { DaybookError } from "../../event/errors.ts";
import {
  LIMIT_NAMES,
  LIMITS,
  type LimitName,
  type OwnLimits,
  ownLimitsSchema,
  type SubjectType,
} from "../../limits/limits.ts";
import { REQUEST } from "../audit.ts";
import { type Call, type Route, route } from "../route.ts";
import { JUSTIFICATION, REASON_BODY } from "../values.ts";

const NAMES = Object.keys(LIMITS).map((name) => `\`${name}\``);

const SUBJECT_LIMITS = z.object({
  subject_type: z.enum(["api_key", "user"]),
  subject_id: z.string(),
  limits: ownLimitsSchema.describe("Those of its own; null: none, whatever the configuration says."),
});

const of = <Value extends z.ZodType>(value: Value) =>
  z.object(Object.fromEntries(LIMIT_NAMES.map((name) => [name, value])) as Record<LimitName, Value>);

const STANDING = SUBJECT_LIMITS.extend({
  in_force: of(z.int().nullable()).describe(
    "Those of its own, and else those of the configuration; null: none.",
  ),
  used: of(z.int()).describe("What counts against each now."),
});

const ADMIN = { access: ["admin"], audit: REQUEST } as const;
const WHERE = { api_key: "/admin/api-keys/:id/limits", user: "/admin/users/:id/limits" } as const;
const WHOSE = { api_key: "an API key", user: "a user over all keys" } as const;

export const LIMIT_ROUTES: readonly Route[] = [...routesOf("api_key"), ...routesOf("user")];

function routesOf(type: SubjectType): Route[] {
  const path = WHERE[type];
  return [
    route({
      ...ADMIN,
      method: "GET",
      path,
      answers: STANDING,
      about: `The limits of ${WHOSE[type]}: its own, those in force, and what of them is used.`,
      async answer({ parts, params }) {
        const own = await parts.limits.own(type, params.id ?? "");
        const { limits, used } = await parts.standing(type, own.id);
        return { ...shown(type, own), in_force: limits, used };
      },
    }),
    route({
      ...ADMIN,
      method: "PUT",
      path,
      changes: { action: "limits_set", entityType: type },
      body: ownLimitsSchema.extend({ justification: JUSTIFICATION }),
      answers: SUBJECT_LIMITS,
      about: `Sets the limits of ${WHOSE[type]}, in place of those it had: ${NAMES.join(", ")}. They hold at once.`,
      answer: ({ parts, actor, params, body: { justification, ...own } }) => {
        if (Object.keys(own).length === 0)
          throw new DaybookError("bad_argument", "Name a limit. DELETE takes all of them away.");
        return set({ parts, actor, params }, type, own, justification);
      },
    }),
    route({
      ...ADMIN,
      method: "DELETE",
      path,
      changes: { action: "limits_removed", entityType: type },
      body: REASON_BODY,
      about: `Takes away the limits of ${WHOSE[type]}: those of the configuration hold.`,
      answer: async ({ parts, actor, params, body }) => {
        await set({ parts, actor, params }, type, {}, body.justification);
      },
    }),
  ];
}

async function set(
  { parts, actor, params }: Pick<Call, "parts" | "actor" | "params">,
  type: SubjectType,
  own: OwnLimits,
  justification: string | undefined,
) {
  const id = await parts.limits.set(actor, type, params.id ?? "", own, justification);
  return shown(type, { id, own });
}

function shown(
  subject_type: SubjectType,
  { id, own }: { readonly id: string; readonly own: OwnLimits },
): z.output<typeof SUBJECT_LIMITS> {
  return { subject_type, subject_id: id, limits: own };
}
