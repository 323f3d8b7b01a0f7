// Plain maps, lists and scalars before they are checked: merging two of them, and filling in ${VARIABLES}.
import type { Environment } from "./environment.ts";
import { type OptionPath, valueFromText } from "./options.ts";
import type { Problem } from "./refusals.ts";

export type Tree = Readonly<Record<string, unknown>>;

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `over` laid over `base`: maps are merged, anything else (lists too) is replaced. */
export function mergeTrees(base: Tree, over: Tree): Tree {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const below = merged.get(key);
    merged.set(key, isTree(below) && isTree(value) ? mergeTrees(below, value) : value);
  }
  return Object.fromEntries(merged);
}

/** A tree that holds `value` at `path` and nothing else. */
export function treeWith(path: readonly string[], value: unknown): Tree {
  return path.reduceRight<unknown>((within, key) => ({ [key]: within }), value) as Tree;
}

/**
 * `tree` with `${NAME}` in texts replaced by that variable; `$${` stands for `${`. A text that had a variable
 * becomes a number or boolean where its option wants one. A variable that is not set is a problem. Profiles are left alone: the chosen one is merged already.
 */
export function substitute(
  tree: Tree,
  env: Environment,
): { readonly tree: Tree; readonly problems: Problem[] } {
  const problems: Problem[] = [];
  const textWith = (text: string, path: OptionPath) =>
    text.replace(/\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g, (match, name: string | undefined) => {
      if (match === "$${") return "${";
      const value = name === undefined ? undefined : env[name];
      if (value !== undefined) return value;
      const sentence =
        name === undefined
          ? `"\${" is not followed by a variable's name and "}": write "$\${" for the text itself`
          : `the environment variable ${name} is not set, or empty`;
      problems.push({ path, sentence });
      return match;
    });
  const fill = (value: unknown, path: OptionPath): unknown => {
    if (typeof value === "string") {
      return value.includes("${") ? valueFromText(path, textWith(value, path)) : value;
    }
    if (Array.isArray(value)) return value.map((item, index) => fill(item, [...path, index]));
    if (!isTree(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, fill(child, [...path, key])]),
    );
  };
  const filled = Object.entries(tree).map(([key, value]) => [
    key,
    key === "profiles" ? value : fill(value, [key]),
  ]);
  return { tree: Object.fromEntries(filled), problems };
}
