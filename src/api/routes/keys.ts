// API keys.
import * as z from "zod";
import type { ApiKey } from "../../control/api-keys.ts";
import { DaybookError } from "../../event/errors.ts";
import type { ApiParts } from "../api-parts.ts";
import { REQUEST } from "../audit.ts";
import { listPage, PAGE_QUERY } from "../listing.ts";
import { type Route, route } from "../route.ts";
import { JUSTIFICATION, REASON_BODY, SHOWN_TIME, shownTime, TIME } from "../values.ts";

const KEY = z.object({
  id: z.string(),
  name: z.string(),
  user_id: z.string().nullable(),
  models: z.array(z.string()).nullable(),
  prefix: z.string().nullable(),
  created_at: SHOWN_TIME,
  expires_at: SHOWN_TIME.nullable(),
  revoked_at: SHOWN_TIME.nullable(),
});
/** With the secret, which is shown this once. */
const ISSUED = KEY.extend({ secret: z.string() });

const ENTITY = { entityType: "api_key" } as const;
const ADMIN = { access: ["admin"], audit: REQUEST } as const;

/** The second is what others call it. */
export const KEY_ROUTES: readonly Route[] = ["/admin/api-keys", "/api-keys"].flatMap(keyRoutes);

function keyRoutes(at: string): Route[] {
  return [
    route({
      ...ADMIN,
      method: "GET",
      path: at,
      query: PAGE_QUERY,
      answers: z.array(KEY),
      about: "API keys, newest first, without their secrets.",
      answer: (call) => listPage(call, (page) => call.parts.keys.list(page), shown),
    }),
    route({
      ...ADMIN,
      method: "POST",
      path: at,
      changes: { ...ENTITY, action: "api_key_created" },
      body: z.object({
        name: z.string().describe("For people: 1 to 128 characters."),
        user_id: z.string().nullish().describe("Id or name of its owner; `user_id` of its requests' events."),
        models: z
          .array(z.string())
          .nullish()
          .describe("Globs of the models that it may ask for; none: every model."),
        expires_at: TIME.nullish(),
      }),
      answers: ISSUED,
      status: 201,
      about: "Makes a key. `secret` is shown this once.",
      async answer({ parts, actor, body }) {
        const { name, user_id, models, expires_at } = body;
        const issued = await parts.keys.create(actor, {
          name,
          userId: user_id,
          models,
          expiresAt: expires_at,
        });
        return { ...shown(await found(parts, issued.id)), secret: issued.secret };
      },
    }),
    route({
      ...ADMIN,
      method: "GET",
      path: `${at}/:id`,
      answers: KEY,
      about: "One API key, or 404.",
      answer: async ({ parts, params }) => shown(await found(parts, params.id ?? "")),
    }),
    route({
      ...ADMIN,
      method: "POST",
      path: `${at}/:id/rotate`,
      changes: { ...ENTITY, action: "api_key_rotated" },
      body: z.object({
        overlap_seconds: z
          .number()
          .int()
          .min(0)
          .max(7_776_000)
          .default(86_400)
          .describe("How long the old secret stays good; 0: not at all."),
        justification: JUSTIFICATION,
      }),
      answers: ISSUED,
      about:
        "Gives the key another secret, shown this once. The old one stays good for `overlap_seconds`, and those before it no longer than that.",
      async answer({ parts, params, actor, body }) {
        const overlapMs = body.overlap_seconds * 1000;
        const { id, secret } = await parts.keys.rotate(actor, params.id ?? "", overlapMs, body.justification);
        return { ...shown(await found(parts, id)), secret };
      },
    }),
    route({
      ...ADMIN,
      method: "DELETE",
      path: `${at}/:id`,
      changes: { ...ENTITY, action: "api_key_revoked" },
      body: REASON_BODY,
      about: "Revokes the key: new requests with it are refused at once.",
      answer: async ({ parts, params, actor, body }) => {
        await parts.keys.revoke(actor, params.id ?? "", body.justification);
      },
    }),
  ];
}

async function found({ keys }: ApiParts, id: string): Promise<ApiKey> {
  const key = await keys.get(id);
  if (key === null) throw new DaybookError("unknown_entity", "such API key");
  return key;
}

function shown(key: ApiKey): z.output<typeof KEY> {
  return {
    id: key.id,
    name: key.name,
    user_id: key.userId,
    models: key.models === null ? null : [...key.models],
    prefix: key.prefix,
    created_at: shownTime(key.createdAt),
    expires_at: shownTime(key.expiresAt),
    revoked_at: shownTime(key.revokedAt),
  };
}
