// Examples of the routes that hold and erase.
import { ANY, type Example, fresh, make } from "./mutating-routes.ts";

type Ask = Parameters<NonNullable<Example["given"]>>[0];

const HOLD = (ask: Ask) =>
  make(ask, "/admin/holds", { filter: { user_id: fresh("held"), kind: ["mcp", "auth"] } });
const AT = "2026-01-31T08:00:00.000Z";

export const EVIDENCE_EXAMPLES: Readonly<Record<string, Example>> = {
  "POST /admin/holds": {
    path: "/admin/holds",
    body: { filter: { kind: ["mcp", "auth"], since: AT }, justification: "the case of May" },
    status: 201,
    oldValues: () => null,
    newValues: () => ({ kind: ["mcp", "auth"], since: [AT] }),
  },
  "POST /admin/holds/:id/release": {
    given: HOLD,
    path: ({ id }) => `/admin/holds/${id}/release`,
    body: { justification: "settled" },
    status: 200,
    oldValues: ({ filter }) => filter as Record<string, unknown>,
    newValues: () => ({ released_at: ANY }),
  },
  "POST /admin/erasures": {
    path: "/admin/erasures",
    body: { user_id: "somebody-who-never-was", justification: "they asked for it" },
    status: 202,
    oldValues: () => null,
    newValues: () => ({ since: null }),
  },
};
