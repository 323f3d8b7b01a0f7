// Names with `*`, for routes and for what a key may use.

export function isGlob(name: string): boolean {
  return name.includes("*");
}

/** Whether `*` in `glob` can stand for runs of characters so that it is `name`. Linear: no step back is ever needed. */
export function matchesGlob(glob: string, name: string): boolean {
  const [first = "", ...parts] = glob.split("*");
  const last = parts.pop();
  if (last === undefined) return glob === name;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}

/** Whether one of `globs` stands for `name`. */
export function matchesAny(globs: readonly string[], name: string): boolean {
  return globs.some((glob) => matchesGlob(glob, name));
}
