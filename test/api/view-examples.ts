// Examples of the routes that change saved views.
import { type Example, fresh, make } from "./mutating-routes.ts";

type Ask = Parameters<NonNullable<Example["given"]>>[0];

const VIEW = (ask: Ask) =>
  make(ask, "/admin/views", { name: fresh("view"), query: "status=error&since=24h" });

export const VIEW_EXAMPLES: Readonly<Record<string, Example>> = {
  "POST /admin/views": {
    path: "/admin/views",
    body: {
      name: "Errors of agents",
      query: "status=error&user_id=ann&user_id=ben&since=24h",
      columns: ["recorded_at", "model"],
      shared: true,
    },
    status: 201,
    oldValues: () => null,
    newValues: () => ({
      name: "Errors of agents",
      "query.status": ["error"],
      "query.user_id": ["ann", "ben"],
      "query.since": ["24h"],
      columns: ["recorded_at", "model"],
      shared: true,
      is_default: false,
    }),
  },
  "PUT /admin/views/:id": {
    given: VIEW,
    path: ({ id }) => `/admin/views/${id}`,
    body: ({ name }: Readonly<Record<string, unknown>>) => ({
      name,
      query: "status=error&since=7d",
      is_default: true,
    }),
    status: 200,
    oldValues: () => ({ "query.since": ["24h"], is_default: false }),
    newValues: () => ({ "query.since": ["7d"], is_default: true }),
  },
  "DELETE /admin/views/:id": {
    given: VIEW,
    path: ({ id }) => `/admin/views/${id}`,
    status: 204,
    oldValues: ({ name }) => ({
      name,
      "query.status": ["error"],
      "query.since": ["24h"],
      columns: null,
      shared: false,
      is_default: false,
    }),
    newValues: () => null,
  },
};
