// Legal holds as the store takes them: typed filters.
import type { Holds } from "../control/holds.ts";
import type { EventFilter } from "../query/filter.ts";
import { parseFilter } from "../query/parameters.ts";

/** Those in force. Throws `bad_query` when one cannot be understood: then nothing may be removed. */
export function filtersOf({ active }: Pick<Holds, "active">): EventFilter[] {
  return active.map(({ filter }) => parseFilter(new URLSearchParams(filter ?? ""), 0));
}
