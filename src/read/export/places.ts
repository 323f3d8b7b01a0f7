/** Puts `value` at `path` into an object, with the objects between. */
export function put(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = into;
  for (const part of path.slice(0, -1)) {
    at[part] ??= {};
    at = at[part] as Record<string, unknown>;
  }
  at[path.at(-1) ?? ""] = value;
}
