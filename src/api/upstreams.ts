// What the API needs of the providers at work, and how the failure of a call to one is refused.
import type { Route } from "../providers/route.ts";
import { Refusal } from "./problem.ts";

/** How a provider is. */
export interface UpstreamHealth {
  readonly provider: string;
  /** `open`: it is left alone for `restMs`; `half_open`: the next request tries it. */
  readonly state: "closed" | "open" | "half_open";
  /** In a row. */
  readonly failures: number;
  readonly restMs: number;
  /** Of the last try; null before the first. */
  readonly lastCode: string | number | null;
}

export interface FailedCall {
  readonly ok: false;
  readonly code: "provider_error" | "provider_unreachable" | "timeout" | "not_supported";
  readonly status: number | null;
  readonly errorType: string | null;
}

export type Called<T> = { readonly ok: true; readonly value: T } | FailedCall;

/** Which route a model takes, and which others fit its name: those that are disabled, or come later. */
export interface RouteChoice {
  readonly chosen: Route | null;
  readonly others: readonly { readonly model: string; readonly enabled: boolean }[];
}

export interface Upstreams {
  health(): readonly UpstreamHealth[];
  /** Public names of models, in order of the routes. */
  models(): readonly string[];
  routeOf(model: string): RouteChoice;
  /** Asks a provider which models it serves. */
  list(provider: string): Promise<Called<readonly string[]>>;
  /** Loads or unloads a model; answers with the name of the provider that did. Rejects with `unknown_entity`. */
  setLoaded(model: string, loaded: boolean): Promise<Called<string>>;
}

/** The refusal that a failed call to a provider amounts to. */
export function refusalOfCall(provider: string, { code, status, errorType }: FailedCall): Refusal {
  const answered = status === null ? "" : ` It answered ${status}.`;
  const kind = errorType === null ? "" : ` (${errorType})`;
  const sentences = {
    provider_error: `${provider} did not do what was asked${kind}.${answered}`,
    provider_unreachable: `${provider} refused, reset or could not be reached${kind}.`,
    timeout: `${provider} did not answer in time.`,
    not_supported: `${provider} cannot do this: only Ollama and a llama.cpp router load and unload models when asked.`,
  };
  // What a provider answers to our own question is no answer to our client's.
  return new Refusal(code === "provider_error" ? "provider_unreachable" : code, {
    detail: sentences[code],
    ...(errorType === null ? {} : { errorType }),
  });
}
