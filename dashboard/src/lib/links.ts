// Addresses of the dashboard's own pages.
import { addressOf, withQuery } from "#lib/api.ts";

/** The explorer with a filter, over all time unless it says: names and values as the API takes them. */
export function explorer(filter: Readonly<Record<string, unknown>> = {}): string {
  return addressOf(withQuery("/", { since: 0, ...filter }));
}

/** One event, opened in the explorer. */
export function event(id: string): string {
  return explorer({ include: "system", event_id: id, open: id });
}

/** One of the dashboard's pages. */
export function page(path: `/${string}`, parameters: Readonly<Record<string, unknown>> = {}): string {
  return addressOf(withQuery(path, parameters));
}

/** What was done in one session. */
export function sessionPage(id: string): string {
  return addressOf(withQuery("/sessions", { session: id }));
}

/** The sessions of somebody in a period. */
export function sessionsPage(of: { readonly user?: string; readonly period?: string } = {}): string {
  return addressOf(withQuery("/sessions", of));
}
