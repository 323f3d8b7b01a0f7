// Whether Daybook runs, is ready, and how it does: none of it is audited.
import { type Route, route } from "../route.ts";

export const HEALTH_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/healthz",
    access: "anyone",
    audit: null,
    about: '`{"status":"ok"}` while the process runs.',
    answer: async () => ({ status: "ok" }),
  }),
  route({
    method: "GET",
    path: "/readyz",
    access: "anyone",
    audit: null,
    about: "200 when every part is ready, else 503; `checks` says which is not, and what to do.",
    async answer({ parts, reply }) {
      const { ok, checks } = await parts.ready();
      reply.code(ok ? 200 : 503);
      return { status: ok ? "ready" : "not_ready", checks };
    },
  }),
  route({
    method: "GET",
    path: "/metrics",
    access: "local",
    audit: null,
    about: "Prometheus metrics. Needs a token of any role unless asked from this machine itself.",
    answer({ parts, reply }) {
      reply.type("text/plain; version=0.0.4; charset=utf-8");
      return parts.metricsText();
    },
  }),
];
