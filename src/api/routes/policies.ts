// Policies: those of the configuration file are shown, those of control.db are made, replaced and taken away; and what
// they say of a request, or would have said of the trail.
import * as z from "zod";
import type { ListedPolicy } from "../../control/policies.ts";
import { DaybookError } from "../../event/errors.ts";
import { EFFECTS, policySchema } from "../../policy/policy.ts";
import { REQUEST } from "../audit.ts";
import { type Call, type Route, route } from "../route.ts";
import { JUSTIFICATION, REASON_BODY, SHOWN_TIME, shownTime } from "../values.ts";

const POLICY = z.object({
  id: z.string().nullable(),
  source: z.enum(["file", "control"]).describe("Only those of `control` can be changed here."),
  name: z.string(),
  match: z.record(z.string(), z.array(z.string())),
  when: z.string().nullable(),
  effect: z.enum(EFFECTS),
  reason: z.string().nullable(),
  enabled: z.boolean(),
  created_at: SHOWN_TIME.nullable(),
  updated_at: SHOWN_TIME.nullable(),
});

const ANSWER = z.object({
  decision: z.enum(["n/a", "allow", "warn", "deny"]),
  reason: z.string().nullable(),
  policies: z.array(z.string()).describe("Those that hold, in order, up to the first that denies."),
});

const text = (about: string) => z.string().max(1024).optional().describe(about);
const count = (about: string) => z.int().min(0).optional().describe(about);

/** A request as policies see it. */
const QUESTION = z.strictObject({
  kind: z.enum(["inference", "mcp"]),
  action: text("`chat` of inference and `tool` of MCP unless said."),
  name: text("Tool, resource or prompt."),
  server: text("MCP server."),
  model: text("As asked for."),
  route: text("Public name or glob."),
  user: text("Id of the user."),
  key: text("Id of the API key."),
  profile: text("Configuration profile."),
  caller: text("`http` unless said."),
  request_size: count("Bytes of the body."),
  max_tokens: count("Without: the request sets no limit."),
  stream: z.boolean().optional(),
  tools: count("How many the model is offered."),
  arguments: z.record(z.string(), z.unknown()).optional().describe("Of the MCP call."),
});

const ENTITY = { entityType: "policy" } as const;
const ADMIN = { access: ["admin"], audit: REQUEST } as const;
const BODY = policySchema.extend({ enabled: z.boolean().default(true), justification: JUSTIFICATION });

export const POLICY_ROUTES: readonly Route[] = [
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/policies",
    answers: z.array(POLICY),
    about: "All policies in their order, those of the configuration file first.",
    answer: async ({ parts }) => parts.policies.list().map(shown),
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: "/admin/policies",
    changes: { ...ENTITY, action: "policy_created" },
    body: BODY,
    answers: POLICY,
    status: 201,
    about: "Makes a policy. It holds from the next request on.",
    async answer({ parts, actor, body: { justification, ...given } }) {
      return shown(await parts.policies.create(actor, given, justification));
    },
  }),
  route({
    ...ADMIN,
    method: "POST",
    path: "/admin/policies/test",
    acts: true,
    body: z.object({ question: QUESTION, policy: policySchema.optional() }),
    answers: ANSWER,
    about: "What the policies say of a request, or what `policy` alone says. Nothing is sent anywhere.",
    async answer({ parts, body }) {
      const { policies } = parts;
      const set =
        body.policy === undefined ? policies.current : policies.with([policies.checked(body.policy)], true);
      const answer = set.decide(asked(body.question));
      return { ...answer, policies: [...answer.policies] };
    },
  }),
  route({
    ...ADMIN,
    method: "GET",
    path: "/admin/policies/:id",
    answers: POLICY,
    about: "One policy of control.db, by its id or name, or 404.",
    answer: async ({ parts, params }) => shown(found(parts, params.id)),
  }),
  route({
    ...ADMIN,
    method: "PUT",
    path: "/admin/policies/:id",
    changes: { ...ENTITY, action: "policy_updated" },
    body: BODY,
    answers: POLICY,
    about: "Puts another policy in its place, by id or name.",
    async answer({ parts, params, actor, body: { justification, ...given } }) {
      return shown(await parts.policies.replace(actor, params.id ?? "", given, justification));
    },
  }),
  route({
    ...ADMIN,
    method: "DELETE",
    path: "/admin/policies/:id",
    changes: { ...ENTITY, action: "policy_deleted" },
    body: REASON_BODY,
    about: "Takes the policy away, by id or name.",
    answer: async ({ parts, params, actor, body }) => {
      await parts.policies.delete(actor, params.id ?? "", body.justification);
    },
  }),
];

function found({ policies }: Call["parts"], id: string | undefined): ListedPolicy {
  return policies.find(id ?? "") ?? unknown();
}

function unknown(): never {
  throw new DaybookError("unknown_entity", "such policy");
}

function shown({ policy, enabled, createdAt, updatedAt }: ListedPolicy): z.output<typeof POLICY> {
  const { id, source, name, match, when, effect, reason } = policy;
  return {
    id,
    source,
    name,
    match: Object.fromEntries(Object.entries(match).map(([dimension, globs]) => [dimension, [...globs]])),
    when,
    effect,
    reason,
    enabled,
    created_at: shownTime(createdAt),
    updated_at: shownTime(updatedAt),
  };
}

function asked(given: z.output<typeof QUESTION>) {
  const { kind, user, key, stream = false, tools = 0, max_tokens, request_size = 0, caller = "http" } = given;
  return {
    kind,
    action: given.action ?? (kind === "mcp" ? "tool" : "chat"),
    name: given.name ?? null,
    server: given.server ?? null,
    model: given.model ?? null,
    route: given.route ?? null,
    userId: user ?? null,
    apiKeyId: key ?? null,
    profile: given.profile ?? null,
    caller,
    requestSize: request_size,
    maxTokens: max_tokens ?? null,
    streaming: stream,
    toolCount: tools,
    arguments: given.arguments,
  };
}
