// Retention as the configuration has it. What its runs removed is in the trail, as `pruned` events.
import * as z from "zod";
import { KINDS } from "../../event/fields.ts";
import { REQUEST } from "../audit.ts";
import { type Route, route } from "../route.ts";

const KINDS_KEPT = z.object({
  kinds: z.array(
    z.object({
      kind: z.enum(KINDS),
      days: z.number().describe("Events older than that go."),
      mode: z.enum(["open", "strict"]).describe("`strict`: nothing goes on before its event is durable."),
    }),
  ),
  max_mb: z.number().describe("What the store may take before the oldest events go; 0: no cap."),
});

export const RETENTION_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/admin/retention",
    access: ["admin", "audit:read"],
    audit: REQUEST,
    answers: KINDS_KEPT,
    about: "How long events of each kind are kept. Only the configuration file sets it.",
    async answer({ parts: { kept } }) {
      return {
        kinds: KINDS.map((kind) => ({ kind, days: kept.retentionDays[kind], mode: kept.modes[kind] })),
        max_mb: kept.maxMb,
      };
    },
  }),
];
