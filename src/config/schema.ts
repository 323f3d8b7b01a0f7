// Every option of daybook.yaml: names, types, defaults, bounds and what each is for. Checks, DAYBOOK_* variables
// and docs/reference/configuration.md derive from it. Sentences say what was expected; none shows a value, which
// may be a secret.
import { isIP } from "node:net";
import * as z from "zod";
import { DEFAULT_DAYS, DEFAULT_MODES } from "../event/defaults.ts";
import type { Kind } from "../event/fields.ts";
import { limitsSchema } from "../limits/limits.ts";
import { policySchema } from "../policy/policy.ts";
import { checked, flag, httpUrl, integer, MAX_TIMER_MS, oneOf, TOKEN, text } from "../providers/checks.ts";
import { mcpServerSchema } from "../providers/mcp-server.ts";
import { providerSchema } from "../providers/provider.ts";
import { routeSchema } from "../providers/route.ts";
import { parseListen } from "./address.ts";

/** The store of this machine, or another Daybook with a token of the scope `ingest`. */
const STORE = /^(?:sqlite:[^\0]+|https?:\/\/[^\s:@/]*:[^\s@/]+@[^\s@]+)$/;
const MAX_DAYS = 36_500;
const MAX_MB = 1_048_576;

const mode = (byDefault: "strict" | "open") => oneOf(["strict", "open"]).default(byDefault);
const fixedMode = <Mode extends string>(kind: Kind, fixed: Mode) =>
  z.literal(fixed, { error: `${kind} events are always ${fixed}: this cannot be changed` }).default(fixed);
const days = (byDefault: number) => integer(1, MAX_DAYS).default(byDefault);

const audit = z.strictObject({
  modes: z
    .strictObject({
      inference: mode(DEFAULT_MODES.inference),
      mcp: mode(DEFAULT_MODES.mcp),
      file: mode(DEFAULT_MODES.file),
      exec: mode(DEFAULT_MODES.exec),
      auth: mode(DEFAULT_MODES.auth),
      quota: mode(DEFAULT_MODES.quota),
      api: mode(DEFAULT_MODES.api),
      admin: fixedMode("admin", "strict"),
      system: fixedMode("system", "open"),
    } satisfies Record<Kind, z.ZodType>)
    .prefault({})
    .describe("`strict`: nothing happens unless it is recorded. `open`: what cannot be recorded is counted."),
  retention_days: z
    .strictObject({
      inference: days(DEFAULT_DAYS.inference),
      mcp: days(DEFAULT_DAYS.mcp),
      file: days(DEFAULT_DAYS.file),
      exec: days(DEFAULT_DAYS.exec),
      auth: days(DEFAULT_DAYS.auth),
      quota: days(DEFAULT_DAYS.quota),
      api: days(DEFAULT_DAYS.api),
      admin: days(DEFAULT_DAYS.admin),
      system: days(DEFAULT_DAYS.system),
    } satisfies Record<Kind, z.ZodType>)
    .prefault({})
    .describe("Days that events of a kind are kept."),
  max_mb: integer(0, MAX_MB).default(0).describe("Largest size of the store; 0: no cap."),
  user_agent: flag(false).describe("Record clients' `User-Agent`, which may identify people."),
  mcp: z
    .strictObject({
      enabled: flag(true).describe("Record MCP calls. Switching it off is itself recorded."),
      arguments: oneOf(["redacted", "shape", "none"])
        .default("redacted")
        .describe(
          "What is kept of a call's arguments: their values redacted, their names, types and sizes, or nothing.",
        ),
    })
    .prefault({}),
});

const address = checked("an IP address or a network such as 10.0.0.0/8", (value) => {
  const [ip = "", bits, ...rest] = value.split("/");
  const family = isIP(ip);
  const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32));
  return family !== 0 && fits && rest.length === 0
    ? null
    : "expected an IP address or a network such as 10.0.0.0/8";
});

const ANCHOR_EXPECTED = "one of file, syslog or webhook";
const SYSLOG_EXPECTED = "udp://host:514, tcp://host:514 or tls://host:6514";

const anchor = z
  .strictObject({
    file: text(/^[^\0]+$/, "a file")
      .optional()
      .describe("Lines are appended to it; another mount, best append-only."),
    syslog: text(/^(?:udp|tcp|tls):\/\/[^\s/?#@]+$/, SYSLOG_EXPECTED)
      .optional()
      .describe(`RFC 5424: \`${SYSLOG_EXPECTED}\`.`),
    webhook: httpUrl().optional().describe("Is sent each line by POST; redirects are refused."),
  })
  .refine((places) => Object.values(places).filter((place) => place !== undefined).length === 1, {
    error: `expected ${ANCHOR_EXPECTED}`,
  });

const exportTarget = z
  .strictObject({
    name: text(TOKEN, "a name of at most 64 letters, digits, dots, hyphens and underscores").describe(
      "Unique; what exports and schedules call it by.",
    ),
    folder: text(/^[^\0]+$/, "a folder")
      .optional()
      .describe("A folder; made where it is missing."),
    s3: z
      .strictObject({
        bucket: text(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "the name of a bucket").describe(
          "The bucket that files go into.",
        ),
        prefix: text(/^[^\0]{0,500}$/, "at most 500 characters")
          .default("")
          .describe("Before each name."),
        region: text(/^[a-z0-9-]{1,64}$/, "a region")
          .default("us-east-1")
          .describe("The bucket's region."),
        endpoint: httpUrl().optional().describe("Of an S3-compatible server; AWS without it."),
        path_style: flag(false).describe("Name the bucket in the path, as most other servers want it."),
        access_key_id: text(/^[^\0]+$/, "a key id")
          .optional()
          .describe("Whose key writes; with its secret."),
        secret_access_key: text(/^[^\0]+$/, "a secret")
          .optional()
          .describe("Without both, the usual places of AWS are looked at."),
      })
      .optional(),
  })
  .refine(({ folder, s3 }) => (folder === undefined) !== (s3 === undefined), {
    error: "expected one of folder and s3",
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
  tls: z
    .strictObject({
      cert: text(/^[^\0]+$/, "a file").describe("Certificate and its chain (PEM)."),
      key: text(/^[^\0]+$/, "a file").describe("Private key (PEM), readable by this user only."),
    })
    .optional()
    .describe("Serve HTTPS (HTTP/1.1). The files are read again when they change, and at each reload."),
  home: text(/^[^\0]+$/, "a folder")
    .optional()
    .describe("Data folder; `~/.daybook` without it."),
  store: text(STORE, "sqlite:PATH or https://ingest:TOKEN@HOST")
    .optional()
    .describe(
      "Where events are read from: `sqlite:PATH`; `events.db` in the data folder without it. `https://ingest:TOKEN@HOST`: another Daybook, for `mcp wrap` and services; a server needs a store that it can read.",
    ),
  providers: z
    .array(providerSchema)
    .default([])
    .describe("Upstreams. Without any, here or in control.db, the built-in simulation `demo`."),
  routes: z.array(routeSchema).default([]).describe("Public model names and the providers that serve them."),
  policies: z
    .array(policySchema)
    .default([])
    .describe("What is allowed, warned of and denied before anything is sent, in order."),
  limits: z
    .strictObject({
      max_body_bytes: integer(1, 1_073_741_824).default(33_554_432).describe("Largest request body."),
    })
    .prefault({}),
  quotas: z
    .strictObject({
      keys: limitsSchema.prefault({}).describe("For each API key that has none of its own."),
      users: limitsSchema.prefault({}).describe("For each user that has none of its own, over all its keys."),
    })
    .prefault({})
    .describe("Limits and budgets; what is not named has none."),
  credits: z
    .strictObject({
      required: flag(false).describe(
        "Refuse paid requests of users who were never granted credit, and of keys without a user.",
      ),
      assumed_max_tokens: integer(0, 10_000_000)
        .default(4096)
        .describe("Completion tokens that are reserved for a request that does not say `max_tokens`."),
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
      servers: z
        .array(mcpServerSchema)
        .default([])
        .describe("MCP servers, served at `/mcp/<name>`; more can be kept in control.db."),
      audit_lists: flag(false).describe("Record list calls (`tools/list`, …) too."),
      max_streams_per_key: integer(1, 100_000)
        .default(100)
        .describe(
          "Streams that one API key may keep open for as long as it likes (`GET`, `subscriptions/listen`).",
        ),
    })
    .prefault({}),
  audit: audit.prefault({}),
  export_targets: z
    .array(exportTarget)
    .default([])
    .describe("Where exports may be delivered to. From this file alone: a stolen token cannot add a place."),
  anchors: z
    .array(anchor)
    .default([])
    .describe(
      "Where sizes and roots of the logs are told every few seconds, out of reach of whoever can change them.",
    ),
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
