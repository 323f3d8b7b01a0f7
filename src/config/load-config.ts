// From the environment and daybook.yaml to a Config: find the file, choose the profile, fill in ${VARIABLES}, lay
// DAYBOOK_* over it, check everything. Reads files and nothing else: no network, no process.env.
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DaybookError, nativeCode } from "../event/errors.ts";
import { isLoopback, listenText } from "./address.ts";
import { buildConfig, type Config, type ProxySettings } from "./config.ts";
import { crossCheck } from "./cross-checks.ts";
import type { Environment } from "./environment.ts";
import { OPTIONS, type OptionPath, pathText, valueFromText } from "./options.ts";
import { type Problem, problemsOf, refuse } from "./refusals.ts";
import { type ConfigFile, configSchema } from "./schema.ts";
import { isTree, mergeTrees, substitute, type Tree, treeWith } from "./trees.ts";
import { parseYaml, type YamlFile } from "./yaml-file.ts";

export interface Sources {
  readonly env: Environment;
  /** The folder that relative paths in flags and variables start from. */
  readonly cwd: string;
  /** The user's own folder. */
  readonly homedir: string;
  readonly flags: { readonly config?: string | undefined; readonly profile?: string | undefined };
}

interface FoundFile {
  readonly path: string;
  readonly yaml: YamlFile;
}

/**
 * The configuration. Rejects with `no_config` (a file that was asked for cannot be read), `bad_config` (every
 * problem with file:line:column and option), or `public_without_tls`.
 */
export async function loadConfig(sources: Sources): Promise<Config> {
  const { cwd, homedir, flags } = sources;
  const env = withoutEmpty(sources.env);
  const defaultHome =
    env.DAYBOOK_HOME === undefined ? join(homedir, ".daybook") : resolve(cwd, env.DAYBOOK_HOME);
  const found = await findFile(flags.config ?? env.DAYBOOK_CONFIG, cwd, defaultHome);
  const profile = flags.profile ?? env.DAYBOOK_PROFILE ?? null;
  const file = check(found, profile, { ...sources, env });

  const folder = found === null ? cwd : dirname(found.path);
  const fromFile = (path: string) => resolve(folder, path.replace(/^~(?=\/|$)/, homedir));
  const home = env.DAYBOOK_HOME === undefined && file.home !== undefined ? fromFile(file.home) : defaultHome;
  const config = buildConfig(file, {
    file: found?.path ?? null,
    profile,
    home,
    store: storeAddress(
      file.store,
      home,
      env.DAYBOOK_STORE === undefined ? fromFile : (path) => resolve(cwd, path),
    ),
    bootstrap: {
      adminToken: env.DAYBOOK_BOOTSTRAP_ADMIN_TOKEN ?? null,
      apiKey: env.DAYBOOK_BOOTSTRAP_API_KEY ?? null,
    },
    found: {
      openaiApiKey: env.OPENAI_API_KEY ?? null,
      anthropicApiKey: env.ANTHROPIC_API_KEY ?? null,
      ollamaHost: env.OLLAMA_HOST ?? null,
    },
    secretKey: env.DAYBOOK_SECRET_KEY ?? null,
    proxy: proxyOf(env),
    path: fromFile,
  });
  if (!isLoopback(config.listen.host) && config.tls === null && !config.allowInsecurePublic) {
    throw new DaybookError("public_without_tls", listenText(config.listen));
  }
  return config;
}

/** Both spellings are in use, the small one first (as curl reads them). */
function proxyOf(env: Environment): ProxySettings | null {
  const either = (name: string) => env[name.toLowerCase()] ?? env[name] ?? null;
  const [httpProxy, httpsProxy] = [either("HTTP_PROXY"), either("HTTPS_PROXY")];
  return httpProxy === null && httpsProxy === null
    ? null
    : { httpProxy, httpsProxy, noProxy: either("NO_PROXY") };
}

/** An empty variable is one that a container's template left open: as good as not set. */
function withoutEmpty(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
}

async function findFile(asked: string | undefined, cwd: string, home: string): Promise<FoundFile | null> {
  const candidates =
    asked === undefined ? [join(cwd, "daybook.yaml"), join(home, "daybook.yaml")] : [resolve(cwd, asked)];
  for (const path of candidates) {
    try {
      return { path, yaml: parseYaml(await readFile(path, "utf8"), path) };
    } catch (error) {
      if (error instanceof DaybookError) throw error;
      const absent = ["ENOENT", "ENOTDIR"].includes(nativeCode(error));
      if (!absent || asked !== undefined)
        throw new DaybookError("no_config", `${path} (${nativeCode(error)})`, { cause: error });
    }
  }
  return null;
}

/** The merged file, complete and checked; refuses with every problem of one stage. */
function check(found: FoundFile | null, profile: string | null, { env }: Sources): ConfigFile {
  const written = withProfile(found, profile);
  const filled = substitute(written, env);
  const variables = variablesIn(env);
  const tree = [...variables.values()].reduce(
    (below, { path, value }) => mergeTrees(below, treeWith(path, value)),
    filled.tree,
  );

  const layers: OptionPath[] = profile === null ? [[]] : [["profiles", profile], []];
  const locate = (path: OptionPath) => {
    const option = path.filter((key) => typeof key === "string");
    return variables.get(pathText(option))?.name ?? found?.yaml.locate(path, layers) ?? "environment";
  };
  refuse(filled.problems, locate);
  const parsed = configSchema.safeParse(tree);
  const problems: Problem[] = parsed.success
    ? crossCheck(parsed.data)
    : problemsOf(parsed.error.issues, tree);
  refuse(problems, locate);
  return parsed.data as ConfigFile;
}

/** The file with the profile's options laid over it. */
function withProfile(found: FoundFile | null, profile: string | null): Tree {
  const tree = found?.yaml.tree ?? {};
  if (!isTree(tree)) throw new DaybookError("bad_config", `${found?.path}:1:1: expected a map of options.`);
  if (profile === null) return tree;
  const profiles = isTree(tree.profiles) ? tree.profiles : {};
  const over = Object.hasOwn(profiles, profile) ? profiles[profile] : undefined;
  if (over === undefined) {
    const known = Object.keys(profiles).join(", ") || "none";
    throw new DaybookError(
      "bad_config",
      `${found?.path ?? "environment"}: there is no profile "${profile}"; known: ${known}.`,
    );
  }
  return isTree(over) ? mergeTrees(tree, over) : tree;
}

/** The options that DAYBOOK_* variables set, by option name. Other variables are none of ours. */
function variablesIn(
  env: Environment,
): ReadonlyMap<string, { name: string; path: string[]; value: unknown }> {
  const set = OPTIONS.flatMap(({ name: option, variable }) => {
    const text = variable === null ? undefined : env[variable];
    if (variable === null || text === undefined) return [];
    const path = option.split(".");
    return [[option, { name: variable, path, value: valueFromText(path, text) }] as const];
  });
  return new Map(set);
}

function storeAddress(store: string | undefined, home: string, absolute: (path: string) => string): string {
  if (store !== undefined && !store.startsWith("sqlite:")) return store;
  return `sqlite:${store === undefined ? join(home, "events.db") : absolute(store.slice("sqlite:".length))}`;
}
