// What the checks found, as refusals: where, which option, what was expected and what was found. A value is never
// shown, only its type.
import { closest } from "fastest-levenshtein";
import type * as z from "zod";
import { DaybookError } from "../event/errors.ts";
import { keysAt, type OptionPath, pathText } from "./options.ts";

export interface Problem {
  readonly path: OptionPath;
  readonly sentence: string;
}

const EXPECTED: Readonly<Record<string, string>> = {
  object: "a map of options",
  record: "a map",
  array: "a list",
};

/** The problems in `tree` that the schema's issues name. */
export function problemsOf(issues: readonly z.core.$ZodIssue[], tree: unknown): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path as OptionPath;
    switch (issue.code) {
      case "unrecognized_keys":
        return issue.keys.map((key) => ({
          path: [...path, key],
          sentence: `there is no such option${nearest(key, keysAt(path))}`,
        }));
      case "invalid_key":
        return [{ path, sentence: issue.issues[0]?.message ?? "not a name that can be used here" }];
      case "invalid_type":
        return [{ path, sentence: wrongType(EXPECTED[issue.expected], issue.message, valueAt(tree, path)) }];
      default:
        return [{ path, sentence: issue.message }];
    }
  });
}

function wrongType(structure: string | undefined, message: string, value: unknown): string {
  const expected = structure === undefined ? message : `expected ${structure}`;
  return value === undefined ? `is missing: ${expected}` : `${expected}, found ${typeText(value)}`;
}

function valueAt(tree: unknown, path: OptionPath): unknown {
  let value = tree;
  for (const key of path) value = (value as Record<string | number, unknown> | null | undefined)?.[key];
  return value;
}

function typeText(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  switch (typeof value) {
    case "string":
      return "text";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    default:
      return "a map";
  }
}

/** `: did you mean "x"?`, or nothing when there is nothing to mean. */
export function nearest(name: string, known: readonly string[]): string {
  return known.length === 0 ? "" : `: did you mean ${closest(name, known)}?`;
}

/** Throws `bad_config` with every problem, each with its place. Does nothing when there is none. */
export function refuse(problems: readonly Problem[], locate: (path: OptionPath) => string): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ path, sentence }) => {
    const option = pathText(path);
    const subject = option === "" ? sentence : `${option}: ${sentence}`;
    return `${locate(path)}: ${subject}${sentence.endsWith("?") ? "" : "."}`;
  });
  throw new DaybookError("bad_config", lines.join("\n"));
}
