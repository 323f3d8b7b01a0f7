// Which policies can be about a question at all: each is looked up by the beginnings of the first dimension that it
// names, so that a thousand policies cost what the few that fit do.
import { globMatcher, globParts } from "../query/glob.ts";
import { DIMENSION_NAMES, type Dimension, type Policy } from "./policy.ts";
import type { Question } from "./question.ts";

type Check = (question: Question) => boolean;

export class PolicyIndex {
  /** By position. */
  readonly #checks: readonly Check[];
  readonly #tables: readonly Table[];
  /** Positions of those that only a look at each can tell. */
  readonly #others: readonly number[];

  constructor(policies: readonly Pick<Policy, "match">[]) {
    this.#checks = policies.map(checkOf);
    const tables = new Map<Dimension, Table>();
    const others: number[] = [];
    for (const [position, { match }] of policies.entries()) {
      const dimension = DIMENSION_NAMES.find((name) =>
        match[name]?.every((glob) => globParts(glob)[0] !== ""),
      );
      if (dimension === undefined) {
        others.push(position);
        continue;
      }
      const table = tables.get(dimension) ?? new Table(dimension);
      tables.set(dimension, table);
      for (const glob of match[dimension] ?? []) table.add(glob, position);
    }
    this.#tables = [...tables.values()];
    this.#others = others;
  }

  /** Positions of the policies that are about `question`, in their order. */
  find(question: Question): number[] {
    const found = this.#others.slice();
    for (const table of this.#tables) table.collect(question, found);
    const fitting = found.filter((position) => this.#checks[position]?.(question));
    if (fitting.length < 2) return fitting;
    return [...new Set(fitting)].sort((one, other) => one - other);
  }
}

/** Policies by the beginning of what they want one dimension to be. */
class Table {
  readonly #dimension: Dimension;
  readonly #exact = new Map<string, number[]>();
  /** Length of a beginning → beginning → positions. */
  readonly #beginnings = new Map<number, Map<string, number[]>>();

  constructor(dimension: Dimension) {
    this.#dimension = dimension;
  }

  add(glob: string, position: number): void {
    const [first = "", ...more] = globParts(glob);
    let map = this.#exact;
    if (more.length > 0) {
      map = this.#beginnings.get(first.length) ?? new Map();
      this.#beginnings.set(first.length, map);
    }
    const positions = map.get(first);
    if (positions === undefined) map.set(first, [position]);
    else positions.push(position);
  }

  collect(question: Question, found: number[]): void {
    const value = askedOf(question, this.#dimension);
    if (value === null) return;
    const exact = this.#exact.get(value);
    if (exact !== undefined) found.push(...exact);
    for (const [length, map] of this.#beginnings) {
      if (length > value.length) continue;
      const positions = map.get(value.slice(0, length));
      if (positions !== undefined) found.push(...positions);
    }
  }
}

function checkOf({ match }: Pick<Policy, "match">): Check {
  const checks = DIMENSION_NAMES.flatMap((dimension) => {
    const globs = match[dimension];
    if (globs === undefined) return [];
    const matchers = globs.map(globMatcher);
    return (question: Question) => {
      const value = askedOf(question, dimension);
      return value !== null && matchers.some((fits) => fits(value));
    };
  });
  return (question) => checks.every((check) => check(question));
}

/** null: the question has none, and no text fits it. */
function askedOf(question: Question, dimension: Dimension): string | null {
  if (dimension === "user") return question.userId;
  if (dimension === "key") return question.apiKeyId;
  return question[dimension];
}
