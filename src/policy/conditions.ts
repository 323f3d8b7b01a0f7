// Conditions in CEL (cel.dev): parsed, checked against the declared variables and compiled once; evaluated within the
// budget of the request. The library is @marcbachmann/cel-js; `matches` goes to RE2 instead of its own.
import { Environment } from "@marcbachmann/cel-js";
import { Meter, OUT_OF_BUDGET } from "./meter.ts";
import { METER_NAMES, metered, Refused } from "./metered.ts";
import { compilePattern, type Pattern } from "./patterns.ts";
import { VARIABLES, type Values } from "./variables.ts";

export interface Condition {
  readonly readsArguments: boolean;
  /** Throws when it cannot be told. */
  holds(values: Values): boolean;
}

/** Of one condition. Far more than anybody reads. */
const LIMITS = {
  maxAstNodes: 400,
  maxDepth: 24,
  maxListElements: 200,
  maxMapEntries: 50,
  maxCallArguments: 4,
};

/** Compiles conditions and counts what their evaluation costs. Those in force are compiled once. */
export class Conditions {
  readonly meter = new Meter();
  readonly #written: Environment;
  readonly #running: Environment;
  /** Those of the condition that is evaluated. */
  #patterns: ReadonlyMap<string, Pattern> = new Map();
  #inForce: ReadonlyMap<string, Condition> = new Map();

  constructor() {
    this.#written = new Environment({ limits: LIMITS });
    for (const [name, { type }] of Object.entries(VARIABLES)) this.#written.registerVariable(name, type);
    const { meter } = this;
    const now = { async: false };
    this.#running = this.#written
      .clone({ limits: { maxAstNodes: 4000, maxDepth: 100 } })
      .registerFunction(`${METER_NAMES.weigh}(A): A`, (value: unknown) => meter.weigh(value), now)
      .registerFunction(`${METER_NAMES.range}(A): A`, (value: unknown) => meter.weighRange(value), now)
      .registerFunction(`${METER_NAMES.needle}(A): A`, (value: unknown) => meter.needle(value), now)
      .registerFunction(
        `${METER_NAMES.each}(A, int): A`,
        (value: unknown, units: bigint) => meter.each(value, Number(units)),
        now,
      )
      .registerFunction(
        `${METER_NAMES.matches}(string, string): bool`,
        (text: string, pattern: string) => this.#matches(text, pattern),
        now,
      );
  }

  /** The condition, or a sentence that says what is wrong with it. */
  compile(text: string): Condition | string {
    return this.#inForce.get(text) ?? this.#compile(text);
  }

  /** From now on these are in force. */
  keep(texts: Iterable<string>): void {
    const kept = [...new Set(texts)].map((text) => [text, this.compile(text)] as const);
    this.#inForce = new Map(kept.flatMap(([text, made]) => (typeof made === "string" ? [] : [[text, made]])));
  }

  #compile(text: string): Condition | string {
    try {
      const parsed = this.#written.parse(text);
      const checked = parsed.check();
      if (!checked.valid) throw checked.error;
      if (checked.type !== "bool" && checked.type !== "dyn")
        return `a condition must be true or false, and this is of type ${checked.type}`;
      const { text: running, nodes, patterns, readsArguments } = metered(parsed.ast);
      const compiled = new Map<string, Pattern>();
      for (const source of patterns) {
        const pattern = compilePattern(source);
        if (typeof pattern === "string") return pattern;
        compiled.set(source, pattern);
      }
      const evaluate = this.#running.parse(running);
      const again = evaluate.check();
      if (!again.valid) throw again.error;
      return {
        readsArguments,
        holds: (values) => this.#holds(evaluate, { nodes, patterns: compiled }, values),
      };
    } catch (error) {
      return sentenceOf(error);
    }
  }

  #holds(
    evaluate: (context: object) => unknown,
    { nodes, patterns }: { readonly nodes: number; readonly patterns: ReadonlyMap<string, Pattern> },
    values: Values,
  ): boolean {
    this.meter.spend(nodes);
    this.#patterns = patterns;
    const result = evaluate(values);
    // What was refused in one part of a condition may have been passed over by another.
    if (this.meter.isOut) throw OUT_OF_BUDGET;
    if (typeof result !== "boolean") throw new NotBoolean();
    return result;
  }

  #matches(text: string, source: string): boolean {
    const pattern = this.#patterns.get(source);
    if (pattern === undefined) throw OUT_OF_BUDGET;
    this.meter.spend(pattern.cost(text.length));
    return pattern.test(text);
  }
}

class NotBoolean extends Error {
  readonly code = "not_boolean";
}

/** A word for why a condition could not be told. Never the error's own text: it may show a value of the request. */
export function codeOf(error: unknown): string {
  if (error === OUT_OF_BUDGET) return "too_costly";
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^[a-z_]{1,40}$/.test(code) ? code : "failed";
}

/** What is wrong with a condition, in one line; its author may see its text. */
function sentenceOf(error: unknown): string {
  if (error instanceof Refused) return error.message;
  const { summary, range } = (error ?? {}) as { summary?: string; range?: { start: number } };
  if (summary === undefined) return "the condition cannot be used";
  const place = range === undefined ? "" : ` (at character ${range.start + 1})`;
  return `${summary.replaceAll(/\s+/g, " ")}${place}`;
}
