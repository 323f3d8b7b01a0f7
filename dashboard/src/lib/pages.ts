// Lists come in pages (RFC 8288).

/** The path of the next page, or null on the last. Taken from its query alone: the host may be a proxy's. */
export function nextOf(headers: Headers): string | null {
  const [, target] = /<([^>]*)>;\s*rel="next"/.exec(headers.get("link") ?? "") ?? [];
  if (target === undefined) return null;
  const { pathname, search } = new URL(target, "http://daybook");
  return pathname + search;
}
