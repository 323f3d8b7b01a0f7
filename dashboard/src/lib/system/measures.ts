// What Daybook measures of itself (Prometheus text format), and whether it is ready.
import { addressOf, ClientError, daybook } from "#lib/api.ts";

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** By name, a series for each set of labels. */
export type Measures = ReadonlyMap<string, readonly Series[]>;

function parseMeasures(text: string): Measures {
  const series = new Map<string, Series[]>();
  for (const line of text.split("\n")) {
    const [, name, labels = "", value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = "", of = ""]) => [
      key,
      of,
    ]);
    const all = series.get(name) ?? [];
    series.set(name, all);
    all.push({ labels: Object.fromEntries(pairs), value: Number(value) });
  }
  return series;
}

/** Over all labels. */
export function sumOf(measures: Measures, name: string): number {
  return (measures.get(name) ?? []).reduce((sum, { value }) => sum + value, 0);
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
