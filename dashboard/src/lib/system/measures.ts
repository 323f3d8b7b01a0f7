// What Daybook measures of itself (Prometheus text format), and whether it is ready.
import { addressOf, ClientError, daybook } from "#lib/api.ts";

export type Measures = ReadonlyMap<string, number>;

/** By name; what has labels is summed over them. */
export function parseMeasures(text: string): Measures {
  const sums = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, name, value] = /^([a-z_]+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];
    if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + Number(value));
  }
  return sums;
}

export async function readMeasures(signal: AbortSignal): Promise<Measures> {
  return parseMeasures(await (await daybook.ask("/metrics", { signal })).text());
}

export interface Readiness {
  readonly status: "ready" | "not_ready";
  readonly checks: Readonly<
    Record<string, { readonly ok: boolean; readonly detail: string; readonly remedy?: string }>
  >;
}

/** What is not ready is an answer here, and no failure. */
export async function readReadiness(signal: AbortSignal): Promise<Readiness> {
  try {
    const response = await fetch(addressOf("/readyz"), { signal });
    return (await response.json()) as Readiness;
  } catch (cause) {
    throw new ClientError("Daybook does not answer. Check that it runs.", { code: "unreachable", cause });
  }
}
