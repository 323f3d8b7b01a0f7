// A route: a public model name, the providers that serve it, and what it costs. As people write it (daybook.yaml
// and the API share one schema) and as the program sees it.
import * as z from "zod";
import type { Price } from "../event/price.ts";
import { text } from "./checks.ts";
import { DEMO, type Source } from "./provider.ts";

const MODEL = /^[A-Za-z0-9._:/@+-]{1,128}$/;
const MODEL_OR_GLOB = /^[A-Za-z0-9._:/@+*-]{1,128}$/;
const MICROS = 1_000_000;

const usd = () => {
  const error = "expected a number of USD from 0 to 1000000, with at most 6 decimals";
  return z
    .number({ error })
    .min(0, { error })
    .max(1_000_000, { error })
    .refine((value) => Math.abs(value * MICROS - Math.round(value * MICROS)) < 1e-3, { error });
};

const priceSchema = z
  .strictObject({
    prompt_per_million: usd().describe("USD for a million prompt tokens."),
    cached_prompt_per_million: usd()
      .optional()
      .describe("USD for a million prompt tokens read from a cache; without it as `prompt_per_million`."),
    completion_per_million: usd().describe("USD for a million completion tokens."),
  })
  .describe("What the model costs; without it events have no cost.");

export const routeSchema = z.strictObject({
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
    .max(16, { error: "expected at most 16 providers" })
    .describe("Tried in order."),
  price: priceSchema.optional(),
});

/** Checked by `routeSchema`. */
export type RouteSpec = z.output<typeof routeSchema>;

/** As it is given. */
export type RouteInput = z.input<typeof routeSchema>;

export interface Route {
  /** Control's id; null for what is not kept there. */
  readonly id: string | null;
  readonly source: Source;
  /** Public name, or a glob where `*` stands for any text. */
  readonly model: string;
  /** In the order to try; `upstreamModel` null passes the asked name on. */
  readonly providers: readonly { readonly provider: string; readonly upstreamModel: string | null }[];
  readonly price: Price | null;
}

export function completeRoute(
  { model, providers, price }: RouteSpec,
  { id, source }: { readonly id: string | null; readonly source: Source },
): Route {
  return {
    id,
    source,
    model,
    providers: providers.map(({ provider, upstream_model }) => ({
      provider,
      upstreamModel: upstream_model ?? null,
    })),
    price: price === undefined ? null : priceOf(price),
  };
}

function priceOf(price: NonNullable<RouteSpec["price"]>): Price {
  const micros = (usd: number) => Math.round(usd * MICROS);
  return {
    promptMicros: micros(price.prompt_per_million),
    cachedPromptMicros: micros(price.cached_prompt_per_million ?? price.prompt_per_million),
    completionMicros: micros(price.completion_per_million),
  };
}

/** The way to the built-in simulation. */
export const DEMO_ROUTE: Route = completeRoute(
  { model: DEMO.name, providers: [{ provider: DEMO.name }] },
  { id: null, source: "built_in" },
);
