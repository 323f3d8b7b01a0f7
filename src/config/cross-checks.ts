// Rules that one option sets for another: unique names, routes that name providers, what a provider needs.
import { policyProblem } from "../policy/check.ts";
import { Conditions } from "../policy/conditions.ts";
import { completePolicy } from "../policy/policy.ts";
import { DEMO, providerProblems } from "../providers/provider.ts";
import type { OptionPath } from "./options.ts";
import { nearest, type Problem } from "./refusals.ts";
import type { ConfigFile } from "./schema.ts";

/** Every rule that `file` breaks. */
export function crossCheck(file: ConfigFile): Problem[] {
  const { providers, routes, policies, mcp, journal } = file;
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
    ...repeated(
      file.export_targets.map(({ name }) => name),
      ["export_targets"],
      "name",
    ),
    ...providers.flatMap((provider, index) =>
      providerProblems(provider).map(({ option, sentence }) => ({
        path: ["providers", index, option],
        sentence,
      })),
    ),
    ...repeated(
      policies.map(({ name }) => name),
      ["policies"],
      "name",
    ),
    ...policyProblems(file),
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

function policyProblems({ policies }: ConfigFile): Problem[] {
  const conditions = new Conditions();
  return policies.flatMap((spec, index) => {
    const problem = policyProblem(completePolicy(spec, { id: null, source: "file" }), conditions);
    return problem === null
      ? []
      : [{ path: ["policies", index, problem.option], sentence: problem.sentence }];
  });
}

function unknownProviders({ providers, routes }: ConfigFile): Problem[] {
  const names = providers.length === 0 ? [DEMO.name] : providers.map(({ name }) => name);
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
