// A policy: whom and what it is about, a condition, and what follows. As people write it (daybook.yaml and the API
// share one schema) and as the program sees it.
import * as z from "zod";

export const EFFECTS = ["deny", "warn", "allow"] as const;
export type Effect = (typeof EFFECTS)[number];

/** What can be matched, the most telling first: the index looks for a policy by the first of these that it names. */
export const DIMENSIONS = {
  name: "Tool, resource or prompt.",
  model: "Model as asked for.",
  user: "Id of the user.",
  key: "Id of the API key.",
  server: "MCP server.",
  route: "Public name or glob of the route.",
  action: "`chat`, `message`, `embedding`, `tool`, `resource`, `prompt`, …",
  kind: "`inference` or `mcp`.",
  profile: "Configuration profile.",
  caller: "`http` or `stdio`.",
} as const;

export type Dimension = keyof typeof DIMENSIONS;
export const DIMENSION_NAMES = Object.keys(DIMENSIONS) as Dimension[];

const MAX_GLOBS = 200;
const GLOB = /^[^\p{Cc}\p{Zl}\p{Zp}]{1,255}$/u;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const REASON = /^[^\p{Cc}\p{Zl}\p{Zp}]{1,300}$/u;
/** Characters of a condition. */
export const MAX_CONDITION = 4096;

const words = (pattern: RegExp, expected: string) => {
  const error = `expected ${expected}`;
  return z.string({ error }).regex(pattern, { error });
};

const globs = (about: string) => {
  const one = words(GLOB, "a text of 1 to 255 characters, where * stands for any");
  const error = `expected a text or a list of 1 to ${MAX_GLOBS} texts, where * stands for any`;
  return z
    .union([one, z.array(one).min(1).max(MAX_GLOBS)], { error })
    .optional()
    .describe(about);
};

const KINDS = ["inference", "mcp"] as const;
const kindError = "expected inference or mcp";

export const policySchema = z.strictObject({
  name: words(NAME, "a name of at most 64 letters, digits, dots, hyphens and underscores").describe(
    "Unique.",
  ),
  match: z
    .strictObject({
      ...(Object.fromEntries(
        DIMENSION_NAMES.map((name) => [name, globs(DIMENSIONS[name])]),
      ) as unknown as Record<Dimension, ReturnType<typeof globs>>),
      kind: z
        .union([z.enum(KINDS, { error: kindError }), z.array(z.enum(KINDS, { error: kindError })).min(1)], {
          error: kindError,
        })
        .optional()
        .describe(DIMENSIONS.kind),
    })
    .default({})
    .describe(
      "What it is about: each that is named must fit, one of its texts; `*` stands for any. Without: all.",
    ),
  when: z
    .string({ error: "expected a condition in CEL" })
    .min(1, { error: "expected a condition in CEL" })
    .max(MAX_CONDITION, { error: `expected at most ${MAX_CONDITION} characters` })
    .optional()
    .describe("A condition in CEL; without one it always holds."),
  effect: z
    .enum(EFFECTS, { error: "expected deny, warn or allow" })
    .describe("What follows when it holds. The first `deny` wins; `warn` and `allow` are noted."),
  reason: words(REASON, "a line of at most 300 characters")
    .optional()
    .describe("Is told to the client, and stands on the event."),
});

/** Checked by `policySchema`. */
export type PolicySpec = z.output<typeof policySchema>;

/** As it is given. */
export type PolicyInput = z.input<typeof policySchema>;

/** Where a policy comes from: the configuration file, which only a reload changes, or control.db. */
export type PolicySource = "file" | "control";

export interface Policy {
  /** Control's id; null for what is not kept there. */
  readonly id: string | null;
  readonly source: PolicySource;
  readonly name: string;
  readonly match: { readonly [dimension in Dimension]?: readonly string[] };
  /** null: it always holds. */
  readonly when: string | null;
  readonly effect: Effect;
  readonly reason: string | null;
}

export function completePolicy(
  { name, match, when, effect, reason }: PolicySpec,
  { id, source }: { readonly id: string | null; readonly source: PolicySource },
): Policy {
  const listed = Object.entries(match).flatMap(([dimension, given]) =>
    given === undefined ? [] : [[dimension, typeof given === "string" ? [given] : given] as const],
  );
  return {
    id,
    source,
    name,
    match: Object.fromEntries(listed),
    when: when ?? null,
    effect,
    reason: reason ?? null,
  };
}

/** The other way. */
export function specOf({ name, match, when, effect, reason }: Policy): PolicySpec {
  return {
    name,
    match: match as PolicySpec["match"],
    ...(when === null ? {} : { when }),
    effect,
    ...(reason === null ? {} : { reason }),
  };
}
