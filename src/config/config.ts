// The configuration as the program sees it: camelCase, absolute paths, defaults filled in, frozen.
import type { Kind, Mode } from "../event/fields.ts";
import { type Limits, withDefaults } from "../limits/limits.ts";
import { completePolicy, type Policy } from "../policy/policy.ts";
import type { FoundProviders } from "../providers/found.ts";
import { completeMcpServer, type McpServer } from "../providers/mcp-server.ts";
import { completeProvider, type Provider } from "../providers/provider.ts";
import { completeRoute, type Route } from "../providers/route.ts";
import { type ListenAddress, parseListen } from "./address.ts";
import type { ConfigFile } from "./schema.ts";

/** The environment's proxies for what Daybook asks of providers. */
export interface ProxySettings {
  readonly httpProxy: string | null;
  readonly httpsProxy: string | null;
  /** Hosts that are reached directly, as NO_PROXY has them. */
  readonly noProxy: string | null;
}

export interface Config {
  /** The file that was read, absolute; null: none. */
  readonly file: string | null;
  readonly profile: string | null;
  readonly listen: ListenAddress;
  readonly allowInsecurePublic: boolean;
  /** Absolute paths. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Data folder, absolute. It may not exist yet. */
  readonly home: string;
  /** `sqlite:` and an absolute path. */
  readonly store: string;
  /** Those of the file; more are kept in control.db. */
  readonly providers: readonly Provider[];
  readonly routes: readonly Route[];
  readonly policies: readonly Policy[];
  readonly limits: { readonly maxBodyBytes: number };
  /** For each API key, and for each user over all keys. */
  readonly quotas: { readonly keys: Limits; readonly users: Limits };
  readonly credits: { readonly required: boolean; readonly assumedMaxTokens: number };
  readonly timeoutsMs: { readonly chat: number; readonly completions: number; readonly embeddings: number };
  readonly journal: { readonly maxMb: number; readonly reserveMb: number };
  /** IP addresses, and networks as address/bits. */
  readonly trustedProxies: readonly string[];
  /** Servers of the file; more are kept in control.db. */
  readonly mcp: {
    readonly servers: readonly McpServer[];
    readonly auditLists: boolean;
    readonly maxStreamsPerKey: number;
  };
  readonly audit: {
    readonly modes: Readonly<Record<Kind, Mode>>;
    readonly retentionDays: Readonly<Record<Kind, number>>;
    /** 0: no cap. */
    readonly maxMb: number;
    readonly userAgent: boolean;
    readonly mcp: McpAudit;
  };
  /** Where checkpoints are told outside. */
  readonly anchors: readonly AnchorTarget[];
  /** Where exports may be delivered to. */
  readonly exportTargets: readonly ExportTarget[];
  /** Secrets to use on the first start, as given; not checked here. */
  readonly bootstrap: { readonly adminToken: string | null; readonly apiKey: string | null };
  /** For the first start. */
  readonly found: FoundProviders;
  /** The key that secrets are kept with, as given; null: a file in the data folder. */
  readonly secretKey: string | null;
  /** null: none is set. */
  readonly proxy: ProxySettings | null;
}

/** What is recorded of MCP calls; a profile may have its own. */
export interface McpAudit {
  readonly enabled: boolean;
  readonly arguments: "redacted" | "shape" | "none";
}

/** A place that checkpoints are told to: a path, a `udp://`, `tcp://` or `tls://` address, or a URL. */
export interface AnchorTarget {
  readonly kind: "file" | "syslog" | "webhook";
  readonly to: string;
}

/** One of the two is set. */
export interface ExportTarget {
  readonly name: string;
  readonly folder: string | null;
  readonly s3: S3Place | null;
}

export interface S3Place {
  readonly bucket: string;
  readonly prefix: string;
  readonly region: string;
  readonly endpoint: string | null;
  readonly pathStyle: boolean;
  /** null: where AWS's own programs look. */
  readonly accessKeyId: string | null;
  readonly secretAccessKey: string | null;
}

/** What does not stand in the file, or was made absolute. */
export type Surroundings = Pick<
  Config,
  "file" | "profile" | "home" | "store" | "bootstrap" | "found" | "secretKey" | "proxy"
> & {
  /** Makes a path of the file absolute. */
  readonly path: (path: string) => string;
};

/** `file`, already checked, as a frozen `Config`. */
export function buildConfig(file: ConfigFile, { path, ...surroundings }: Surroundings): Config {
  const origin = { id: null, source: "file", path } as const;
  return deepFreeze({
    ...surroundings,
    listen: parseListen(file.listen) ?? { host: "127.0.0.1", port: 0 },
    allowInsecurePublic: file.allow_insecure_public,
    tls: file.tls === undefined ? null : { cert: path(file.tls.cert), key: path(file.tls.key) },
    providers: file.providers.map((spec) => completeProvider(spec, origin)),
    routes: file.routes.map((spec) => completeRoute(spec, origin)),
    policies: file.policies.map((spec) => completePolicy(spec, { id: null, source: "file" })),
    limits: { maxBodyBytes: file.limits.max_body_bytes },
    quotas: { keys: withDefaults(file.quotas.keys), users: withDefaults(file.quotas.users) },
    credits: {
      required: file.credits.required,
      assumedMaxTokens: file.credits.assumed_max_tokens,
    },
    timeoutsMs: file.timeouts_ms,
    journal: { maxMb: file.journal.max_mb, reserveMb: file.journal.reserve_mb },
    trustedProxies: file.trusted_proxies,
    exportTargets: file.export_targets.map((spec) => exportTargetOf(spec, path)),
    mcp: {
      servers: file.mcp.servers.map((spec) => completeMcpServer(spec, { ...origin, source: "file" })),
      auditLists: file.mcp.audit_lists,
      maxStreamsPerKey: file.mcp.max_streams_per_key,
    },
    anchors: file.anchors.map((spec) => anchorOf(spec, path)),
    audit: {
      modes: file.audit.modes,
      retentionDays: file.audit.retention_days,
      maxMb: file.audit.max_mb,
      userAgent: file.audit.user_agent,
      mcp: file.audit.mcp,
    },
  });
}

function anchorOf(
  { file, syslog, webhook }: ConfigFile["anchors"][number],
  path: Surroundings["path"],
): AnchorTarget {
  if (file !== undefined) return { kind: "file", to: path(file) };
  return syslog === undefined ? { kind: "webhook", to: webhook ?? "" } : { kind: "syslog", to: syslog };
}

function exportTargetOf(
  { name, folder, s3 }: ConfigFile["export_targets"][number],
  path: Surroundings["path"],
): ExportTarget {
  return {
    name,
    folder: folder === undefined ? null : path(folder),
    s3:
      s3 === undefined
        ? null
        : {
            bucket: s3.bucket,
            prefix: s3.prefix,
            region: s3.region,
            endpoint: s3.endpoint ?? null,
            pathStyle: s3.path_style,
            accessKeyId: s3.access_key_id ?? null,
            secretAccessKey: s3.secret_access_key ?? null,
          },
  };
}

function deepFreeze<T extends object>(value: T): T {
  for (const child of Object.values(value))
    if (typeof child === "object" && child !== null) deepFreeze(child);
  return Object.freeze(value);
}
