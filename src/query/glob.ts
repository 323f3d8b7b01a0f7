// Texts with `*` for any run of characters. `\` takes its meaning from `*`, `\` and `"`; before others it stands for
// itself. Matching takes time in proportion to the text, whatever the glob.

/** What stands between the stars, `\` taken away from what it protects: one more part than there are stars. */
export function globParts(glob: string): string[] {
  const parts = [""];
  for (const [token] of glob.matchAll(/\\[\\*"]|[^\\*]+|[\\*]/g)) {
    if (token === "*") parts.push("");
    else parts[parts.length - 1] += token.length === 2 && /^\\[\\*"]/.test(token) ? token.slice(1) : token;
  }
  return parts;
}

/** The same glob, written in the one way. */
export function canonicalGlob(glob: string): string {
  return globParts(glob).map(escapeGlob).join("*");
}

/** The glob that only `text` itself matches. */
export function escapeGlob(text: string): string {
  return text.replaceAll(/[\\*]/g, "\\$&");
}

export function globMatcher(glob: string): (text: string) => boolean {
  const [first = "", ...others] = globParts(glob);
  const last = others.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (text.length < first.length + last.length) return false;
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    // The earliest place for each part leaves the most for those after it.
    let at = first.length;
    for (const part of others) {
      const found = text.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= text.length - last.length;
  };
}
