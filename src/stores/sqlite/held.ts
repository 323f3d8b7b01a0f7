// Events under a legal hold, as a condition on rows: what retention and erasure leave alone, by the same filters that
// find them in lists.
import type { EventFilter } from "../../query/filter.ts";
import { boundsOf, type Source } from "./collect.ts";
import { joined, type Where } from "./conditions.ts";
import { among, searchOf, within } from "./select.ts";

/** Rows that none of the filters finds. Exact: a condition that is unknown for a row does not hold it. */
export function notHeld(holds: readonly EventFilter[], source: Source): Where {
  const terms = holds.map((hold) => heldBy(hold, source)).filter((term) => term !== null);
  if (terms.length === 0) return { sql: "TRUE", params: [] };
  return {
    sql: `(${terms.map(({ sql }) => `(${sql})`).join(" OR ")}) IS NOT TRUE`,
    params: terms.flatMap(({ params }) => params),
  };
}

/** Null: the filter finds nothing. */
function heldBy(hold: EventFilter, source: Source): Where | null {
  // A hold is of every kind that it does not name.
  const search = searchOf({ ...hold, includeSystem: true }, source);
  if (search === null) return null;
  const { prefixes, rest, shapes } = search;
  const any: Where = {
    sql: `(${prefixes.map(({ sql }) => sql).join(" OR ")})`,
    params: prefixes.flatMap(({ params }) => params),
  };
  const terms = [any, within(boundsOf(hold)), ...rest];
  if (shapes !== null) terms.push(among("shape", shapes));
  const [sql, params] = joined(terms);
  return { sql, params };
}
