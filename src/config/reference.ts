// docs/reference/configuration.md, from the schema.

import { CALLABLE, MAX_NESTED } from "../policy/metered.ts";
import { VARIABLES as ASKED } from "../policy/variables.ts";
import { VENDORS, type Vendor } from "../providers/vendors.ts";
import { OPTIONS, type Option } from "./options.ts";

/** A complete daybook.yaml, as the reference page shows it. */
export const EXAMPLE = `listen: 127.0.0.1:4141
store: sqlite:./events.db
providers:
  - name: openai
    api_key: \${OPENAI_API_KEY}
    pass_through: [/v1/audio/, /v1/images/]
  - name: anthropic
    api_key: \${ANTHROPIC_API_KEY}
  - name: ollama
  - name: inside
    backend_type: acme
    protocols: [openai, anthropic]
    base_url: https://llm.internal
    ca_file: ./internal-ca.pem
    headers: { x-team: search }
    retries: { max: 1 }
    breaker: { failures: 3, rest_ms: 5000 }
routes:
  - model: gpt-4o-mini
    providers: [{ provider: openai, upstream_model: gpt-4o-mini-2024-07-18 }]
    price: { prompt_per_million: 0.15, completion_per_million: 0.60 }
  - model: "claude-*"
    providers: [{ provider: anthropic }, { provider: inside }]
  - model: "llama*"
    providers: [{ provider: ollama }]
policies:
  - name: nothing-below-etc
    match: { kind: mcp, server: files, name: ["write_*", "delete_*"] }
    when: has(arguments.path) && arguments.path.startsWith("/etc/")
    effect: deny
    reason: Nothing is written below /etc.
  - name: long-answers
    match: { model: "gpt-*" }
    when: max_tokens == 0 || max_tokens > 16000
    effect: warn
limits: { max_body_bytes: 33554432 }
quotas:
  keys: { requests_per_minute: 600, concurrent_requests: 50 }
  users: { tokens_per_day: 5000000, cost_micros_per_month: 200000000 }
credits: { required: false, assumed_max_tokens: 4096 }
timeouts_ms: { chat: 900000, completions: 600000, embeddings: 120000 }
journal: { max_mb: 1024, reserve_mb: 32 }
trusted_proxies: []
mcp:
  servers: [{ name: files, url: http://127.0.0.1:9000/mcp }]
audit:
  modes: { inference: open }
  retention_days: { inference: 30, mcp: 90, admin: 365 }
  max_mb: 0
  mcp: { enabled: true, arguments: redacted }
profiles:
  strict:
    audit: { modes: { inference: strict, mcp: strict }, mcp: { arguments: shape } }
`;

/** Variables that are not options. */
const VARIABLES: readonly (readonly [name: string, about: string])[] = [
  ["DAYBOOK_CONFIG", "Path of the configuration file."],
  ["DAYBOOK_PROFILE", "Profile to use."],
  [
    "DAYBOOK_SECRET_KEY",
    "The key that secrets of providers are kept with: 32 bytes as base64 or hex. Without it `secret.key` in the data folder, made when it is not there.",
  ],
  [
    "OPENAI_API_KEY, ANTHROPIC_API_KEY, OLLAMA_HOST",
    "On the first start, when no provider is configured: providers and routes are made for them.",
  ],
  ["HTTP_PROXY, HTTPS_PROXY, NO_PROXY", "How providers are reached; in small letters too, which come first."],
  ["DAYBOOK_BOOTSTRAP_ADMIN_TOKEN", "On the first start, the admin token to use instead of a random one."],
  ["DAYBOOK_BOOTSTRAP_API_KEY", "On the first start, the API key to use instead of a random one."],
];

const INTRODUCTION = `# Configuration

Daybook needs no configuration. To change something, write \`daybook.yaml\`. The first of these that is there is used:

1. \`--config FILE\`
2. \`DAYBOOK_CONFIG\`
3. \`daybook.yaml\` in the current folder
4. \`daybook.yaml\` in the data folder (\`DAYBOOK_HOME\`, else \`~/.daybook\`)

A file that is named by 1 or 2 must be there. Whatever is wrong is refused at the start, with file, line, column and option; an option that does not exist is refused too.

- Relative paths are relative to the file; in variables and flags, to the current folder.
- \`\${NAME}\` in a value is replaced by that environment variable, which must be set and not empty. \`$\${\` stands for \`\${\`.
- A variable of the table below replaces its option; an empty one counts as not set. Lists are separated by commas.
- \`--profile NAME\`, else \`DAYBOOK_PROFILE\`, chooses one of \`profiles\`: its maps are merged over the options, its lists replace them. Variables come last.
- An address that other machines reach is refused unless there is \`tls\`, or \`allow_insecure_public\` is true.
- SIGHUP and \`POST /admin/reload\` read the file again, and bring into force what changed of \`providers\`, \`routes\`, \`policies\`, \`limits\`, \`quotas\`, \`credits\`, \`timeouts_ms\`, \`trusted_proxies\`, the files of \`tls\`, \`audit.user_agent\` and \`audit.mcp\`. The rest waits for the next start and is named. A file that cannot be used changes nothing. What differs is recorded, between two starts too.
- Anchors and aliases are not supported. Quote values that start with a bracket, such as \`"[::1]:4141"\`.`;

const KNOWN = `A provider with one of these names, or types, says nothing more than its key. Anything that speaks the wire format of OpenAI
or Anthropic can be a provider under any name, with \`backend_type\`, \`protocols\` and \`base_url\`.`;

const CONDITIONS = `\`when\` is an expression in [CEL](https://cel.dev). Operators are CEL's own; what may be called: ${CALLABLE.map((name) => `\`${name}\``).join(", ")}. \`matches\` takes a pattern that is written out, in the syntax of RE2.

- A policy says something of a request when all that it names in \`match\` fits and \`when\` holds. The first \`deny\` wins, over every \`allow\`; then \`warn\`; then \`allow\`. When none says anything, the decision is \`n/a\`, and the request goes on.
- What cannot be decided is denied, and says so: \`arguments.path\` of a call that has no \`path\` is an error, \`has(arguments.path) && …\` is not.
- Judging a request has a budget, about 20 ms of work; comprehensions stand at most ${MAX_NESTED} within one another. What it does not suffice for (lists of thousands, patterns over long texts, calls of more than 2 MiB whose arguments are asked for) is denied as \`too_costly\`. Of arguments, eight levels are seen.
- Never content: of inference there is nothing but the variables below. Arguments are looked at, and not kept.`;

/** The reference page for every option and variable. */
export function configurationMarkdown(): string {
  return [
    INTRODUCTION,
    `## Example\n\n\`\`\`yaml\n${EXAMPLE}\`\`\``,
    `## Options\n\n${table(["option", "type", "default", "variable", "about"], OPTIONS.map(optionRow))}`,
    `## Conditions of policies\n\n${CONDITIONS}\n\n${table(
      ["variable", "type", "about"],
      Object.entries(ASKED).map(([name, { type, about }]) => [code(name), code(type), about]),
    )}`,
    `## Known providers\n\n${KNOWN}\n\n${table(["name or type", "backend_type", "protocols", "base_url"], [...VENDORS].map(vendorRow))}`,
    `## Other variables\n\n${table(
      ["variable", "about"],
      VARIABLES.map(([name, about]) => [code(name), about]),
    )}`,
    "The two bootstrap secrets need at least 24 characters, made by a random generator; later starts ignore them.\n",
  ].join("\n\n");
}

function vendorRow([name, { backendType, protocols, baseUrl }]: readonly [string, Vendor]): string[] {
  return [code(name), code(backendType), protocols.join(", "), baseUrl ?? ""];
}

function optionRow({ name, type, required, byDefault, variable, about }: Option): string[] {
  const absence = required ? "required" : byDefault === null ? "" : code(byDefault);
  return [code(name), type, absence, variable === null ? "" : code(variable), about];
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
