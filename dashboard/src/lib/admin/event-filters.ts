// Filters of exports, schedules and holds as people write them: a line of the search bar. The API keeps them as query
// parameters, of which `q` takes such a line; what came otherwise is written as one.
import { parseFilter, writeFilter } from "../../../../src/query/parameters.ts";
import { parseText, writeText } from "../../../../src/query/text.ts";

/** The line that a query string means. Times stay as they are: `1d` is another day tomorrow. */
export function lineOf(query: string): string {
  const parameters = new URLSearchParams(query);
  const written = parameters.getAll("q");
  const times = ["since", "until"].flatMap((name) =>
    parameters.getAll(name).map((value) => `${name}:${value}`),
  );
  for (const name of ["q", "since", "until"]) parameters.delete(name);
  const rest = parameters.size === 0 ? [] : [writeText(parseFilter(parameters, Date.now()))];
  return [...rest, ...times, ...written].filter((part) => part !== "").join(" ");
}

/** The query string that a line means. */
export function queryOf(line: unknown): string {
  return typeof line === "string" && line.trim() !== "" ? String(new URLSearchParams({ q: line })) : "";
}

/** The line that a hold's filter means. */
export function lineOfRecord(filter: Readonly<Record<string, readonly string[]>>): string {
  const pairs = Object.entries(filter).flatMap(([name, values]) =>
    values.map((value) => [name, value] as [string, string]),
  );
  return lineOf(String(new URLSearchParams(pairs)));
}

/** The explorer's path for the events that a line means, over all time unless it says. */
export function explorerOf(line: string): `/${string}` {
  const parameters = writeFilter(parseText(line, Date.now()));
  if (!parameters.has("since")) parameters.set("since", "0");
  return `/?${parameters}`;
}
