// Examples of the routes that change schedules of exports. The target is in the configuration of the test.
import { type Example, fresh, make } from "./mutating-routes.ts";

type Ask = Parameters<NonNullable<Example["given"]>>[0];

const SPEC = { cron: "0 3 1 1 *", target: "archive" };
const FILLED = {
  time_zone: "UTC",
  format: "jsonl",
  compression: "none",
  keep: null,
  covers: "new",
  enabled: true,
};
const SCHEDULE = (ask: Ask) =>
  make(ask, "/admin/export-schedules", { ...SPEC, name: fresh("s").replace(" ", "-") });

export const SCHEDULE_EXAMPLES: Readonly<Record<string, Example>> = {
  "POST /admin/export-schedules": {
    path: "/admin/export-schedules",
    body: { ...SPEC, name: "yearly", filter: "kind=mcp" },
    status: 201,
    oldValues: () => null,
    newValues: () => ({ ...SPEC, ...FILLED, name: "yearly", "filter.kind": ["mcp"] }),
  },
  "PATCH /admin/export-schedules/:id": {
    given: SCHEDULE,
    path: ({ id }) => `/admin/export-schedules/${id}`,
    body: { time_zone: "Europe/Berlin", keep: 3 },
    status: 200,
    oldValues: () => ({ time_zone: "UTC", keep: null }),
    newValues: () => ({ time_zone: "Europe/Berlin", keep: 3 }),
  },
  "DELETE /admin/export-schedules/:id": {
    given: SCHEDULE,
    path: ({ id }) => `/admin/export-schedules/${id}`,
    status: 204,
    oldValues: ({ name }) => ({ ...SPEC, ...FILLED, name }),
    newValues: () => null,
  },
};
