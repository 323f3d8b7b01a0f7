// Examples of the routes that change policies.
import { type Example, fresh, make } from "./mutating-routes.ts";

type Ask = Parameters<NonNullable<Example["given"]>>[0];

const POLICY = (ask: Ask) =>
  make(ask, "/admin/policies", { name: fresh("policy").replace(" ", "-"), effect: "warn" });

export const POLICY_EXAMPLES: Readonly<Record<string, Example>> = {
  "POST /admin/policies": {
    path: "/admin/policies",
    body: {
      name: "not-below-etc",
      match: { kind: "mcp", name: ["write_*", "delete_*"] },
      when: 'arguments.path.startsWith("/etc/")',
      effect: "deny",
      reason: "Not there.",
      justification: "asked for",
    },
    status: 201,
    oldValues: () => null,
    newValues: () => ({
      name: "not-below-etc",
      "match.kind": ["mcp"],
      "match.name": ["write_*", "delete_*"],
      when: 'arguments.path.startsWith("/etc/")',
      effect: "deny",
      reason: "Not there.",
      enabled: true,
    }),
  },
  "PUT /admin/policies/:id": {
    given: POLICY,
    path: ({ id }) => `/admin/policies/${id}`,
    body: ({ name }: Readonly<Record<string, unknown>>) => ({
      name,
      match: { model: "gpt-*" },
      effect: "deny",
      enabled: false,
    }),
    status: 200,
    oldValues: () => ({ "match.model": null, effect: "warn", enabled: true }),
    newValues: () => ({ "match.model": ["gpt-*"], effect: "deny", enabled: false }),
  },
  "DELETE /admin/policies/:id": {
    given: POLICY,
    path: ({ id }) => `/admin/policies/${id}`,
    status: 204,
    oldValues: ({ name }) => ({ name, when: null, effect: "warn", reason: null, enabled: true }),
    newValues: () => null,
  },
};
