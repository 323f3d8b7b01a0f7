// The names behind the ids that events have, for whoever may see all events.
import * as z from "zod";
import { namesOf } from "../../control/names.ts";
import { QUERIED } from "../audit.ts";
import { type Route, route } from "../route.ts";

const BY_ID = z.record(z.string(), z.string());

export const NAME_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/admin/names",
    access: ["audit:read"],
    audit: QUERIED,
    answers: z.object({ user_id: BY_ID, api_key_id: BY_ID.describe("Of API keys and of tokens.") }),
    about: "The names of users, API keys and tokens, by the ids that events have.",
    async answer({ parts }) {
      const { users, keys } = await namesOf(parts.control.reads);
      return { user_id: users, api_key_id: keys };
    },
  }),
];
