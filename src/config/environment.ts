// The one place that looks at process.env; everything else is handed what it needs.

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string>>;

/** A frozen copy of this process's environment. */
export function readEnvironment(): Environment {
  const set = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return Object.freeze(Object.fromEntries(set));
}
