// How every bench measures: cases that take turns within each round, so that what disturbs the machine disturbs them
// alike; medians over the rounds; and ratios made within a round before their median is taken.

export interface BenchOptions {
  /** Small and few rounds: to see that the bench works, not to measure. */
  readonly quick: boolean;
  readonly rounds: number;
  /** Tells the person who waits what is going on. */
  readonly say: (line: string) => void;
}

export interface Bench {
  /** What `npm run bench --` takes, and the name of the markers in docs/performance.md. */
  readonly name: string;
  readonly run: (options: BenchOptions) => Promise<Section>;
}

/** What a bench found: it is printed, and written into docs/performance.md. */
export interface Section {
  readonly targets: readonly Target[];
  readonly tables: readonly Table[];
  /** Versions of what was measured beside Daybook. */
  readonly versions?: Readonly<Record<string, string>>;
  readonly notes?: readonly string[];
}

export interface Table {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Target {
  readonly what: string;
  /** Null: it could not be measured here; a note says why. */
  readonly measured: number | null;
  readonly least: number;
  readonly goal: number;
  /** Whether more of it is better. */
  readonly better: "more" | "less";
  /** Written behind the numbers: `×`, ` ms`. */
  readonly unit: string;
}

/** What one turn measured, by name; all turns of a case measure the same. */
export type Measured = Readonly<Record<string, number>>;

export interface Case {
  readonly name: string;
  /** One turn; the first of each case, round -1, warms up and is not counted. */
  readonly turn: (round: number) => Promise<Measured>;
}

export class Results {
  readonly #byCase: ReadonlyMap<string, readonly Measured[]>;

  constructor(byCase: ReadonlyMap<string, readonly Measured[]>) {
    this.#byCase = byCase;
  }

  has(name: string): boolean {
    return this.#byCase.has(name);
  }

  /** Values of a measure, round by round. */
  values(name: string, measure: string): number[] {
    return (this.#byCase.get(name) ?? []).map((measured) => measured[measure] ?? Number.NaN);
  }

  median(name: string, measure: string): number {
    return medianOf(this.values(name, measure));
  }

  /** Median of the ratios of the two cases within each round. */
  ratio(name: string, base: string, measure: string): number {
    const bases = this.values(base, measure);
    return medianOf(this.values(name, measure).map((value, round) => value / (bases[round] ?? Number.NaN)));
  }

  /** Median of the differences of the two cases within each round. */
  difference(name: string, base: string, measure: string): number {
    const bases = this.values(base, measure);
    return medianOf(this.values(name, measure).map((value, round) => value - (bases[round] ?? Number.NaN)));
  }
}

/** Lets the cases take turns, `rounds` times; every other round goes backwards. */
export async function interleave(
  cases: readonly Case[],
  { rounds, say, warmUp = true }: Pick<BenchOptions, "rounds" | "say"> & { readonly warmUp?: boolean },
): Promise<Results> {
  const byCase = new Map<string, Measured[]>(cases.map(({ name }) => [name, []]));
  for (let round = warmUp ? -1 : 0; round < rounds; round++) {
    for (const { name, turn } of round % 2 === 0 ? cases : cases.toReversed()) {
      const measured = await turn(round);
      if (round >= 0) byCase.get(name)?.push(measured);
      say(`${round < 0 ? "warm-up" : `round ${round + 1}`}: ${name}: ${shown(measured)}`);
    }
  }
  return new Results(byCase);
}

function shown(measured: Measured): string {
  return Object.entries(measured)
    .map(([name, value]) => `${name} ${number(value)}`)
    .join(", ");
}

export function medianOf(values: readonly number[]): number {
  return quantileOf(values, 0.5);
}

/** Linear between the two nearest values; NaN of none. */
export function quantileOf(values: readonly number[], quantile: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * quantile;
  const [low = Number.NaN, high = low] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

/** Least squares of `ys` over `xs`: how much y grows when x grows by one. */
export function slopeOf(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(xs), mean(ys)];
  let [above, below] = [0, 0];
  for (const [index, x] of xs.entries()) {
    above += (x - meanX) * ((ys[index] ?? Number.NaN) - meanY);
    below += (x - meanX) ** 2;
  }
  return above / below;
}

/** For people: three figures that count, thousands apart; a dash for what was not measured. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
