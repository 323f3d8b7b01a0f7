// Addresses of the dashboard's own pages.
import { addressOf, withQuery } from "#lib/api.ts";

/** The explorer with a filter: names and values as the API takes them. */
export function explorer(filter: Readonly<Record<string, unknown>> = {}): string {
  return addressOf(withQuery("/", filter));
}
