// Models that clients can ask for; and, on local backends, which of them are in memory.
import * as z from "zod";
import { redactText } from "../../event/redaction.ts";
import type { ApiParts } from "../api-parts.ts";
import { REQUEST } from "../audit.ts";
import { type Call, type Route, route } from "../route.ts";
import { refusalOfCall } from "../upstreams.ts";

const MODEL = z.object({
  id: z.string(),
  route: z.string().describe("Of this name, or the glob that stands for it."),
  providers: z.array(z.string()),
});

const MOVED = z.object({ id: z.string(), provider: z.string(), loaded: z.boolean() });
const ADMIN = { access: ["admin"] } as const;

export const MODEL_ROUTES: readonly Route[] = [
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/models",
    audit: REQUEST,
    answers: z.array(MODEL),
    about:
      "Models by their public names; under globs those that their providers are known to serve (`sync`).",
    answer: async ({ parts }) => parts.upstreams.models().flatMap((id) => shown(parts, id)),
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: "/admin/models/:id/preload",
    audit: { kind: "admin", action: "model_preloaded" },
    acts: true,
    answers: MOVED,
    about: "Loads the model into the memory of its local backend: Ollama, or a llama.cpp router; else 501.",
    answer: (call) => setLoaded(call, true),
  }),
  route({
    ...ADMIN,
    method: "DELETE",
    path: "/admin/models/:id",
    audit: { kind: "admin", action: "model_unloaded" },
    acts: true,
    answers: MOVED,
    about: "Takes the model out of that memory; its files stay.",
    answer: (call) => setLoaded(call, false),
  }),
];

function shown({ upstreams }: ApiParts, id: string): z.output<typeof MODEL>[] {
  const { chosen } = upstreams.routeOf(id);
  if (chosen === null) return [];
  return [{ id, route: chosen.model, providers: chosen.providers.map(({ provider }) => provider) }];
}

async function setLoaded({ parts, params, audit }: Call, loaded: boolean): Promise<z.output<typeof MOVED>> {
  const { id = "" } = params;
  // What stands in the path is anything until a route is found.
  const isNamed = redactText(id).redactions === 0;
  audit?.note({ entityType: "model", ...(isNamed ? { entityId: id, model: id } : {}) });
  const called = await parts.upstreams.setLoaded(id, loaded);
  if (!called.ok) throw refusalOfCall("The provider of this model", called);
  audit?.note({ provider: called.value });
  return { id, provider: called.value, loaded };
}
