// Saved views: an address of the explorer with its columns, under a name.
import { type FieldName, isFieldName } from "../../../../src/event/fields.ts";
import { type Address, readAddress, writeAddress } from "./address.ts";

export interface View {
  readonly id: string;
  readonly name: string;
  readonly query: string;
  readonly columns: readonly FieldName[] | null;
  readonly shared: boolean;
  readonly is_default: boolean;
  readonly editable: boolean;
}

/** What of an address a view keeps. */
export function queryOf(address: Address): string {
  const search = new URLSearchParams(writeAddress(bare(address)).slice(1));
  search.set("since", address.since);
  return search.toString();
}

/** Where a view leads. Throws `bad_query` for one that cannot be any more. */
export function addressOf({ id, query, columns }: View): Address {
  const known = columns?.filter(isFieldName) ?? [];
  return { ...readAddress(new URLSearchParams(query)), columns: known.length > 0 ? known : null, view: id };
}

/** Whether the address is still what the view says. */
export function isAsSaved(view: View, address: Address): boolean {
  try {
    const saved = addressOf(view);
    return (
      writeAddress(bare(saved)) === writeAddress(bare(address)) &&
      String(saved.columns ?? "") === String(address.columns ?? "")
    );
  } catch {
    return false;
  }
}

/** What is seen first: of one's own, else of everybody's. */
export function firstOf(views: readonly View[]): View | null {
  const firsts = views.filter((view) => view.is_default);
  return firsts.find(({ shared }) => !shared) ?? firsts[0] ?? null;
}

function bare(address: Address): Address {
  return { ...address, open: null, live: false, view: null, columns: null };
}
