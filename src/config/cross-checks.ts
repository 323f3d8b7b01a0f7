// Rules that one option sets for another: unique names, routes that name providers, what a provider needs.
import type { OptionPath } from "./options.ts";
import { nearest, type Problem } from "./refusals.ts";
import type { ConfigFile } from "./schema.ts";

/** Every rule that `file` breaks. */
export function crossCheck(file: ConfigFile): Problem[] {
  const { providers, routes, mcp, journal } = file;
  const problems = [
    ...repeated(
      providers.map(({ name }) => name),
      ["providers"],
      "name",
    ),
    ...repeated(
      routes.map(({ model }) => model),
      ["routes"],
      "model",
    ),
    ...repeated(
      mcp.servers.map(({ name }) => name),
      ["mcp", "servers"],
      "name",
    ),
    ...providers.flatMap(providerProblems),
    ...unknownProviders(file),
  ];
  if (journal.reserve_mb >= journal.max_mb) {
    problems.push({ path: ["journal", "reserve_mb"], sentence: "expected less than journal.max_mb" });
  }
  return problems;
}

function repeated(names: readonly string[], list: OptionPath, option: string): Problem[] {
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    return first === index
      ? []
      : [
          {
            path: [...list, index, option],
            sentence: `"${name}" is the ${option} of ${list.join(".")}[${first}] already`,
          },
        ];
  });
}

function providerProblems(provider: ConfigFile["providers"][number], index: number): Problem[] {
  const { backend_type, base_url, protocol } = provider;
  const problems: Problem[] = [];
  const add = (option: string, sentence: string) =>
    problems.push({ path: ["providers", index, option], sentence });
  if (base_url === undefined && backend_type !== "simulated") {
    add("base_url", "is missing: only backend_type simulated needs none");
  }
  if (protocol === undefined && protocolOf(backend_type) === null) {
    add("protocol", "is missing: expected openai or anthropic, since backend_type does not tell");
  }
  if (backend_type === "simulated" && protocol === "anthropic")
    add("protocol", "the simulation speaks openai only");
  return problems;
}

/** The protocol that goes without saying; null: it must be said. */
export function protocolOf(backendType: string): "openai" | "anthropic" | null {
  if (backendType === "anthropic") return "anthropic";
  return ["openai", "local", "simulated"].includes(backendType) ? "openai" : null;
}

function unknownProviders({ providers, routes }: ConfigFile): Problem[] {
  const names = providers.length === 0 ? ["demo"] : providers.map(({ name }) => name);
  return routes.flatMap((route, index) =>
    route.providers.flatMap(({ provider }, turn) =>
      names.includes(provider)
        ? []
        : [
            {
              path: ["routes", index, "providers", turn, "provider"],
              sentence: `there is no provider "${provider}"${nearest(provider, names)}`,
            },
          ],
    ),
  );
}
