// Canonical JSON (RFC 8785) for the values that events hold: safe integers, well-formed strings, booleans,
// null, arrays and objects. JSON.stringify already writes strings and integers as RFC 8785 asks; what is left
// is the order of keys, by UTF-16 code units, which is also how JavaScript compares strings.

/** Canonical text of `value`. Throws a TypeError on what an event cannot hold; callers make values safe first. */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw new TypeError("canonical JSON needs well-formed strings");
      return JSON.stringify(value);
    case "number":
      if (!Number.isSafeInteger(value))
        throw new TypeError("canonical JSON of an event holds safe integers only");
      return String(value === 0 ? 0 : value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
      return canonicalObject(value as Record<string, unknown>);
    default:
      throw new TypeError(`canonical JSON cannot hold a ${typeof value}`);
  }
}

function canonicalObject(object: Record<string, unknown>): string {
  const members: string[] = [];
  for (const key of Object.keys(object).sort()) {
    const value = object[key];
    if (value !== undefined) members.push(`${canonicalJson(key)}:${canonicalJson(value)}`);
  }
  return `{${members.join(",")}}`;
}
