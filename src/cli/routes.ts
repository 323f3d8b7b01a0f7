// `daybook routes`: which providers serve a model, and what it costs.
import { Command } from "commander";
import { DaybookError } from "../event/errors.ts";
import {
  type AdminFlags,
  type AdminParts,
  adminCommand,
  type Entity,
  printEntity,
  segment,
  several,
  withAdmin,
} from "./admin.ts";
import { listCommand, removeCommand } from "./small-verbs.ts";

const PATH = "/admin/routes";
const COLUMNS = ["id", "source", "model", "providers", "price", "enabled"];

interface Given extends AdminFlags {
  readonly provider?: readonly string[];
  readonly promptPrice?: string;
  readonly cachedPrice?: string;
  readonly completionPrice?: string;
  readonly disable?: true;
  readonly reason?: string;
}

/** The verb `routes`. Fails as admin.ts says. */
export function routesCommand(parts: AdminParts): Command {
  return new Command("routes")
    .description("Routes: list, create, replace, delete and resolve them.")
    .addCommand(listCommand(parts, "All routes.", { path: PATH, columns: COLUMNS, inWords }))
    .addCommand(
      withOptions(adminCommand("create", "Make a route."))
        .argument("<model>", "public name, or a glob such as gpt-*")
        .action((model: string, flags: Given) => put(parts, flags, "POST", PATH, model)),
    )
    .addCommand(
      withOptions(adminCommand("replace", "Put another route in its place, its price included."))
        .argument("<id>", "rte_…")
        .argument("<model>", "public name, or a glob such as gpt-*")
        .action((id: string, model: string, flags: Given) =>
          put(parts, flags, "PUT", `${PATH}/${segment(id)}`, model),
        ),
    )
    .addCommand(
      removeCommand(parts, "delete", "Take a route away.", {
        path: PATH,
        argument: ["<id>", "rte_…"],
        done: (id) => `Deleted the route ${id}.`,
      }),
    )
    .addCommand(
      adminCommand("resolve", "Which route a model takes, its providers in order, and why.")
        .argument("<model>", "as a client would ask for it")
        .action((model: string, flags: Given) =>
          withAdmin(parts, flags, async (admin) => {
            const answer = await admin.ask("GET", `${PATH}/resolve?model=${segment(model)}`);
            await printEntity(parts, flags, flags.json ? answer : resolvedInWords(answer));
            if (answer.route === null) process.exitCode = 1;
          }),
        ),
    );
}

function withOptions(command: Command): Command {
  return command
    .option("--provider <name[=model]>", "a provider, and the model's name there (repeat in order)", several)
    .option("--prompt-price <usd>", "for a million prompt tokens")
    .option("--cached-price <usd>", "for a million prompt tokens from a cache; else as --prompt-price")
    .option("--completion-price <usd>", "for a million completion tokens")
    .option("--disable", "not to be taken yet")
    .option("--reason <text>", "recorded with the change");
}

function put(
  parts: AdminParts,
  flags: Given,
  method: "POST" | "PUT",
  path: string,
  model: string,
): Promise<void> {
  const body = {
    model,
    providers: (flags.provider ?? []).map((text) => {
      const at = text.indexOf("=");
      return at < 0
        ? { provider: text }
        : { provider: text.slice(0, at), upstream_model: text.slice(at + 1) };
    }),
    price: priceOf(flags),
    enabled: !flags.disable,
    justification: flags.reason,
  };
  return withAdmin(parts, flags, async (admin) => {
    const route = await admin.ask(method, path, body);
    await printEntity(parts, flags, flags.json ? route : inWords(route));
  });
}

function priceOf({ promptPrice, cachedPrice, completionPrice }: Given) {
  if (promptPrice === undefined && cachedPrice === undefined && completionPrice === undefined)
    return undefined;
  if (promptPrice === undefined || completionPrice === undefined)
    throw new DaybookError("bad_argument", "A price needs both --prompt-price and --completion-price.");
  return {
    prompt_per_million: usd("--prompt-price", promptPrice),
    cached_prompt_per_million: cachedPrice === undefined ? undefined : usd("--cached-price", cachedPrice),
    completion_per_million: usd("--completion-price", completionPrice),
  };
}

function usd(flag: string, text: string): number {
  if (/^\d{1,7}(\.\d{1,6})?$/.test(text)) return Number(text);
  throw new DaybookError("bad_argument", `${flag} takes USD such as 0.15, not ${JSON.stringify(text)}.`);
}

function inWords(route: Entity): Entity {
  const { providers, price } = route as {
    providers: readonly { provider: string; upstream_model: string | null }[];
    price: { prompt_micros: number; completion_micros: number } | null;
  };
  return {
    ...route,
    providers: providers.map(({ provider, upstream_model: model }) =>
      model === null ? provider : `${provider}=${model}`,
    ),
    price: price === null ? null : `$${price.prompt_micros / 1e6} / $${price.completion_micros / 1e6}`,
  };
}

function resolvedInWords(answer: Entity): Entity {
  const { model, route, why, providers, others } = answer as {
    model: string;
    route: Entity | null;
    why: string;
    providers: readonly { provider: string; upstream_model: string; state: string }[];
    others: readonly { model: string; enabled: boolean }[];
  };
  const { model: taken, price } = route === null ? { model: "none", price: null } : inWords(route);
  return {
    model,
    route: taken,
    why,
    price,
    ...Object.fromEntries(
      providers.map(({ provider, upstream_model: there, state }, index) => [
        `provider ${index + 1}`,
        `${provider} as ${there} (${state})`,
      ]),
    ),
    others:
      others.length === 0 ? null : others.map((other) => `${other.model}${other.enabled ? "" : " (off)"}`),
  };
}
