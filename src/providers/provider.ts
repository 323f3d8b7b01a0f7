// A provider: as people write it (daybook.yaml and the API share one schema), what it must and may not say, and as
// the program sees it, with what its name tells filled in.
import * as z from "zod";
import {
  checked,
  httpUrl,
  integer,
  lowercase,
  MAX_TIMER_MS,
  oneOf,
  SECRET,
  secretHeaders,
  TOKEN,
  text,
} from "./checks.ts";
import { DIALECTS, type Dialect, vendorOf } from "./vendors.ts";

const API_KEY = /^[\x21-\x7e]{1,4096}$/;
const MODEL = /^[A-Za-z0-9._:/@+-]{1,128}$/;
const API_VERSION = /^[A-Za-z0-9.-]{1,32}$/;
const PREFIX_EXPECTED = "a path below /v1/ such as /v1/audio/";
/** A prefix ends at a segment, so that /v1/file never lets /v1/files pass. */
const prefix = () =>
  checked(PREFIX_EXPECTED, (path) =>
    /^\/v1\/[A-Za-z0-9._~/-]{1,128}$/.test(path) && !path.split("/").includes("..")
      ? null
      : `expected ${PREFIX_EXPECTED}`,
  );

export const providerSchema = z.strictObject({
  name: text(TOKEN, "a name of at most 64 letters, digits, dots, hyphens and underscores").describe(
    "Unique; routes name it. One that is known (`openai`, `ollama`, …) tells type, protocols and address.",
  ),
  backend_type: text(TOKEN, "a word of at most 64 letters, digits, dots, hyphens and underscores")
    .optional()
    .describe(
      "Whose it is: `openai`, `anthropic`, `azure`, `local`, `simulated` (built in), or any other word, with `protocols`.",
    ),
  protocol: oneOf(DIALECTS).optional().describe("`protocols`, when it is one."),
  protocols: z
    .array(oneOf(DIALECTS))
    .min(1, { error: "expected openai, anthropic or both" })
    .optional()
    .describe("Whose wire formats it speaks: `openai`, `anthropic`; a known name or type tells."),
  base_url: httpUrl()
    .optional()
    .describe("With or without `/v1` and a trailing slash; needed where neither name nor type tells it."),
  api_version: text(API_VERSION, "a version such as 2024-10-21")
    .optional()
    .describe("Azure only: address deployments, with this `api-version`; without it Azure's `/openai/v1`."),
  api_key: text(API_KEY, "a key of printable characters without spaces")
    .meta(SECRET)
    .optional()
    .describe("The provider's secret."),
  headers: secretHeaders().describe(
    "Sent with every request to this provider. Values are kept and shown like secrets.",
  ),
  ca_file: text(/^[^\0]{1,1024}$/, "a file")
    .optional()
    .describe("Certificates (PEM) to trust for this provider, beside the usual ones."),
  ask_usage: z
    .boolean({ error: "expected true or false" })
    .optional()
    .describe(
      "Whether a stream is asked for its usage (`stream_options`) when the client does not; false where that is refused.",
    ),
  pass_through: z
    .array(prefix())
    .max(32, { error: "expected at most 32 paths" })
    .default([])
    .describe("Paths below `/v1/` that are passed on to it as they are, by prefix: `/v1/audio/`."),
  timeouts_ms: z
    .strictObject({
      chat: integer(1, MAX_TIMER_MS).optional().describe("Instead of `timeouts_ms.chat`."),
      completions: integer(1, MAX_TIMER_MS).optional().describe("Instead of `timeouts_ms.completions`."),
      embeddings: integer(1, MAX_TIMER_MS).optional().describe("Instead of `timeouts_ms.embeddings`."),
    })
    .prefault({}),
  retries: z
    .strictObject({
      max: integer(0, 10)
        .default(2)
        .describe(
          "Further rounds over a route's providers that this one takes part in, before an answer begins.",
        ),
      wait_ms: integer(1, 60_000)
        .default(500)
        .describe("Before the second round; then doubled, unless the provider says when."),
    })
    .prefault({}),
  breaker: z
    .strictObject({
      failures: integer(0, 1000)
        .default(5)
        .describe("Failures in a row after which the provider is left alone; 0: never."),
      rest_ms: integer(1, 3_600_000)
        .default(10_000)
        .describe("For how long at first; doubled while it fails."),
    })
    .prefault({}),
  models: z
    .array(text(MODEL, "a model name"))
    .max(1000, { error: "expected at most 1000 names" })
    .default([])
    .describe(
      "What it serves, to list under routes with a glob; `daybook models sync` asks the provider itself.",
    ),
});

/** Checked by `providerSchema`, defaults filled in. */
export type ProviderSpec = z.output<typeof providerSchema>;

/** As it is given. */
export type ProviderInput = z.input<typeof providerSchema>;

/** Where a provider or route is kept: daybook.yaml, control.db, or Daybook itself. */
export type Source = "file" | "control" | "built_in";

export interface Provider {
  /** Control's id; null for what is not kept there. */
  readonly id: string | null;
  readonly source: Source;
  readonly name: string;
  readonly backendType: string;
  readonly protocols: readonly Dialect[];
  /** With or without `/v1` and a trailing slash; null for the built-in simulation. */
  readonly baseUrl: string | null;
  /** Azure's deployments are addressed one by one, with this version; null: plain paths. */
  readonly apiVersion: string | null;
  readonly apiKey: string | null;
  /** Lowercase names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly caFile: string | null;
  /** Its streams are asked for their usage, also when the client does not. */
  readonly askUsage: boolean;
  readonly passThrough: readonly string[];
  /** null: as for all providers. */
  readonly timeoutsMs: {
    readonly chat: number | null;
    readonly completions: number | null;
    readonly embeddings: number | null;
  };
  readonly retry: { readonly max: number; readonly waitMs: number };
  readonly breaker: { readonly failures: number; readonly restMs: number };
  /** What it serves, as far as it is known. */
  readonly models: readonly string[];
}

/** A rule that one option sets for another, broken. */
export interface SpecProblem {
  readonly option: string;
  readonly sentence: string;
}

export function providerProblems(spec: ProviderSpec): SpecProblem[] {
  const { name, backend_type, protocol, protocols, base_url, api_version } = spec;
  const vendor = vendorOf(name, backend_type);
  const problems: SpecProblem[] = [];
  const add = (option: string, sentence: string) => problems.push({ option, sentence });
  const type = backend_type ?? vendor?.backendType;
  if (type === undefined) add("backend_type", "is missing: the name does not tell it");
  if (base_url === undefined && (vendor?.baseUrl ?? null) === null && type !== "simulated")
    add("base_url", "is missing: neither name nor backend_type tells it");
  if (protocol !== undefined && protocols !== undefined) add("protocol", "protocols says it already");
  if (protocol === undefined && protocols === undefined && vendor === null && type !== undefined)
    add("protocols", "is missing: expected openai or anthropic, since backend_type does not tell");
  if (api_version !== undefined && type !== "azure") add("api_version", "is for backend_type azure only");
  return problems;
}

/** `spec`, which has no problems, with everything filled in. `path` makes a file's path absolute. */
export function completeProvider(
  spec: ProviderSpec,
  origin: { readonly id: string | null; readonly source: Source; readonly path: (file: string) => string },
): Provider {
  const vendor = vendorOf(spec.name, spec.backend_type);
  const backendType = spec.backend_type ?? vendor?.backendType ?? "";
  const one = spec.protocol === undefined ? undefined : [spec.protocol];
  const { timeouts_ms, retries, breaker } = spec;
  return {
    id: origin.id,
    source: origin.source,
    name: spec.name,
    backendType,
    protocols: [...new Set(spec.protocols ?? one ?? vendor?.protocols ?? [])],
    baseUrl: baseUrlOf(spec.base_url ?? vendor?.baseUrl ?? null, backendType, spec.api_version),
    apiVersion: spec.api_version ?? null,
    apiKey: spec.api_key ?? null,
    headers: lowercase(spec.headers),
    caFile: spec.ca_file === undefined ? null : origin.path(spec.ca_file),
    askUsage: spec.ask_usage ?? vendor?.askUsage ?? true,
    passThrough: spec.pass_through,
    timeoutsMs: {
      chat: timeouts_ms.chat ?? null,
      completions: timeouts_ms.completions ?? null,
      embeddings: timeouts_ms.embeddings ?? null,
    },
    retry: { max: retries.max, waitMs: retries.wait_ms },
    breaker: { failures: breaker.failures, restMs: breaker.rest_ms },
    models: spec.models,
  };
}

/** Azure serves its plain paths below /openai. */
function baseUrlOf(
  written: string | null,
  backendType: string,
  apiVersion: string | undefined,
): string | null {
  if (written === null || backendType !== "azure" || apiVersion !== undefined) return written;
  const url = new URL(written);
  if (!url.pathname.split("/").includes("openai"))
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/openai`;
  return url.href;
}

/** The built-in simulation, for when there is nothing else. */
export const DEMO: Provider = completeProvider(
  providerSchema.parse({ name: "demo", backend_type: "simulated" }),
  { id: null, source: "built_in", path: (file) => file },
);
