// Every option of daybook.yaml: names, types, defaults, bounds and what each is for. Checks, DAYBOOK_* variables
// and docs/reference/configuration.md derive from it. Sentences say what was expected; none shows a value, which
// may be a secret.
import { isIP } from "node:net";
import * as z from "zod";
import type { Kind } from "../event/fields.ts";
import { parseListen } from "./address.ts";

const TOKEN = /^[A-Za-z0-9._-]{1,64}$/;
const MODEL = /^[A-Za-z0-9._:/@+-]{1,128}$/;
const MODEL_OR_GLOB = /^[A-Za-z0-9._:/@+*-]{1,128}$/;
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/;
const API_KEY = /^[\x21-\x7e]+$/;
const STORE = /^sqlite:[^\0]+$/;
const FRAMING = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "upgrade",
  "te",
  "trailer",
]);

/** The longest delay that a timer can hold (2^31 − 1 ms); a longer one would fire at once. */
const MAX_TIMER_MS = 2_147_483_647;
const MAX_DAYS = 36_500;
const MAX_MB = 1_048_576;
const MICROS = 1_000_000;

const text = (pattern: RegExp, expected: string) =>
  z.string({ error: `expected ${expected}` }).regex(pattern, { error: `expected ${expected}` });

const integer = (min: number, max: number) => {
  const error = `expected an integer from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

const flag = (byDefault: boolean) => z.boolean({ error: "expected true or false" }).default(byDefault);

const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, { error: `expected ${words.slice(0, -1).join(", ")} or ${words.at(-1)}` });

const checked = (expected: string, problem: (value: string) => string | null) =>
  z.string({ error: `expected ${expected}` }).superRefine((value, context) => {
    const message = problem(value);
    if (message !== null) context.addIssue({ code: "custom", message });
  });

const URL_EXPECTED = "a URL that starts with http:// or https://";
const httpUrl = () => checked(URL_EXPECTED, urlProblem);

function urlProblem(value: string): string | null {
  const url = URL.parse(value);
  if (url === null || !/^https?:\/\//i.test(value)) return `expected ${URL_EXPECTED}`;
  if (url.username !== "" || url.password !== "")
    return "a URL may not hold a user or password: it would show in logs";
  if (url.search !== "" || url.hash !== "") return 'a base URL has no "?" or "#" part';
  return null;
}

const usd = () => {
  const error = "expected a number of USD from 0 to 1000000, with at most 6 decimals";
  return z
    .number({ error })
    .min(0, { error })
    .max(1_000_000, { error })
    .refine((value) => Math.abs(value * MICROS - Math.round(value * MICROS)) < 1e-3, { error });
};

const price = z
  .strictObject({
    prompt_per_million: usd().describe("USD for a million prompt tokens."),
    cached_prompt_per_million: usd()
      .optional()
      .describe("USD for a million prompt tokens read from a cache; without it as `prompt_per_million`."),
    completion_per_million: usd().describe("USD for a million completion tokens."),
  })
  .describe("What the model costs; without it events have no cost.");

const provider = z.strictObject({
  name: text(TOKEN, "a name of at most 64 letters, digits, dots, hyphens and underscores").describe(
    "Unique; routes name it.",
  ),
  backend_type: text(TOKEN, "a word of at most 64 letters, digits, dots, hyphens and underscores").describe(
    "Whose it is: `openai`, `anthropic`, `local`, `simulated` (built in), or any other word, with `protocol`.",
  ),
  protocol: oneOf(["openai", "anthropic"])
    .optional()
    .describe("Wire protocol; `openai` for `local` and `simulated`, and of the same name for the other two."),
  base_url: httpUrl()
    .optional()
    .describe("With or without `/v1` and a trailing slash; `simulated` needs none."),
  api_key: text(API_KEY, "a key of printable characters without spaces")
    .optional()
    .describe("The provider's secret."),
  headers: z
    .record(
      text(HEADER_NAME, "a header name").refine((name) => !FRAMING.has(name.toLowerCase()), {
        error: "Daybook sets this header itself",
      }),
      text(HEADER_VALUE, "printable ASCII text"),
    )
    .default({})
    .describe("Sent with every request to this provider."),
});

const route = z.strictObject({
  model: text(MODEL_OR_GLOB, 'a model name or a glob with "*"').describe(
    "Unique public name; a glob such as `gpt-*` passes the asked name on.",
  ),
  providers: z
    .array(
      z.strictObject({
        provider: z.string({ error: "expected a provider's name" }).describe("Name of a provider."),
        upstream_model: text(MODEL, "a model name")
          .optional()
          .describe("Its name there; without it the asked name."),
      }),
    )
    .min(1, { error: "expected at least one provider" })
    .describe("Tried in order."),
  price: price.optional(),
});

const server = z.strictObject({
  name: text(TOKEN, "a name of at most 64 letters, digits, dots, hyphens and underscores").describe(
    "Unique.",
  ),
  url: httpUrl().describe("Of a streamable HTTP server."),
});

const mode = (byDefault: "strict" | "open") => oneOf(["strict", "open"]).default(byDefault);
const fixedMode = <Mode extends string>(kind: Kind, fixed: Mode) =>
  z.literal(fixed, { error: `${kind} events are always ${fixed}: this cannot be changed` }).default(fixed);
const days = (byDefault: number) => integer(1, MAX_DAYS).default(byDefault);

const audit = z.strictObject({
  modes: z
    .strictObject({
      inference: mode("open"),
      mcp: mode("open"),
      file: mode("open"),
      exec: mode("open"),
      auth: mode("strict"),
      quota: mode("open"),
      api: mode("open"),
      admin: fixedMode("admin", "strict"),
      system: fixedMode("system", "open"),
    } satisfies Record<Kind, z.ZodType>)
    .prefault({})
    .describe("`strict`: nothing happens unless it is recorded. `open`: what cannot be recorded is counted."),
  retention_days: z
    .strictObject({
      inference: days(30),
      mcp: days(90),
      file: days(30),
      exec: days(30),
      auth: days(365),
      quota: days(30),
      api: days(30),
      admin: days(365),
      system: days(365),
    } satisfies Record<Kind, z.ZodType>)
    .prefault({})
    .describe("Days that events of a kind are kept."),
  max_mb: integer(0, MAX_MB).default(0).describe("Largest size of the store; 0: no cap."),
  user_agent: flag(false).describe("Record clients' `User-Agent`, which may identify people."),
});

const address = checked("an IP address or a network such as 10.0.0.0/8", (value) => {
  const [ip = "", bits, ...rest] = value.split("/");
  const family = isIP(ip);
  const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32));
  return family !== 0 && fits && rest.length === 0
    ? null
    : "expected an IP address or a network such as 10.0.0.0/8";
});

const LISTEN_EXPECTED = "host:port, such as 127.0.0.1:4141 or [::1]:4141";

const options = {
  listen: checked(LISTEN_EXPECTED, (value) =>
    parseListen(value) === null ? `expected ${LISTEN_EXPECTED}` : null,
  )
    .default("127.0.0.1:4141")
    .describe('Address and port; port 0 lets the system choose. Quote IPv6: `"[::1]:4141"`.'),
  allow_insecure_public: flag(false).describe(
    "Allow `listen` to be reachable from other machines although there is no TLS.",
  ),
  home: text(/^[^\0]+$/, "a folder")
    .optional()
    .describe("Data folder; `~/.daybook` without it."),
  store: text(STORE, "sqlite:PATH")
    .optional()
    .describe("Where events are read from: `sqlite:PATH`; `events.db` in the data folder without it."),
  providers: z
    .array(provider)
    .default([])
    .describe("Upstreams. Without any, the built-in simulation `demo`."),
  routes: z.array(route).default([]).describe("Public model names and the providers that serve them."),
  limits: z
    .strictObject({
      max_body_bytes: integer(1, 1_073_741_824).default(33_554_432).describe("Largest request body."),
    })
    .prefault({}),
  timeouts_ms: z
    .strictObject({
      chat: integer(1, MAX_TIMER_MS).default(900_000).describe("Chat completions, responses and messages."),
      completions: integer(1, MAX_TIMER_MS).default(600_000).describe("Text completions."),
      embeddings: integer(1, MAX_TIMER_MS).default(120_000).describe("Embeddings."),
    })
    .prefault({}),
  journal: z
    .strictObject({
      max_mb: integer(32, MAX_MB).default(1024).describe("Largest size of the journal of one node."),
      reserve_mb: integer(1, 1024)
        .default(32)
        .describe("Kept free for gap, admin and prune records on a full disk."),
    })
    .prefault({}),
  trusted_proxies: z
    .array(address)
    .default([])
    .describe("IP addresses and networks whose `X-Forwarded-For` is believed."),
  mcp: z
    .strictObject({
      servers: z.array(server).default([]).describe("MCP servers. Accepted and checked, not served yet."),
    })
    .prefault({}),
  audit: audit.prefault({}),
};

const profile = z.strictObject(
  Object.fromEntries(Object.keys(options).map((name) => [name, z.unknown().optional()])),
);

/** The whole file, defaults filled in. Rules that span options are in cross-checks.ts. */
export const configSchema = z.strictObject({
  ...options,
  profiles: z
    .record(text(TOKEN, "a name of at most 64 letters, digits, dots, hyphens and underscores"), profile)
    .default({})
    .describe(
      "Name → options that replace those above when the profile is chosen: maps are merged, lists replaced.",
    ),
});

/** The file's content once checked, in its own snake_case. */
export type ConfigFile = z.output<typeof configSchema>;
