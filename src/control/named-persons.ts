// Every place where control.db may name a person, and what an erasure leaves there. What is the person's own goes, and
// views that name it. In the filter of a schedule the erasure's id takes its place: what excludes it goes on excluding
// nothing else, and what asks for it alone finds nothing, rather than everything. A table that may name somebody belongs
// here.
import { COLUMN, FIELDS, isFieldName } from "../event/fields.ts";
import { wordOf } from "../event/naming.ts";
import type { Change, Reads } from "./control.ts";

/** What shows these in memory is read again. */
export const NAMING_ENTITIES: readonly string[] = [
  "user",
  "session",
  "api_key",
  "token",
  "view",
  "hold",
  "export_schedule",
  "ingest_node",
];

/** Within a change. A hold in force goes on naming whom it holds: an erasure waits for it. */
export async function forgetPerson(
  change: Change & Reads,
  subject: string,
  pseudonym: string,
): Promise<void> {
  await forgetOwn(change, subject);
  await change
    .updateTable("credit_entries")
    .set({ user_id: pseudonym, reason: "(erased)" })
    .where("user_id", "=", subject)
    .execute();
  await change.updateTable("ingest_nodes").set({ owner: pseudonym }).where("owner", "=", subject).execute();
  await forgetInFilters(change, subject, pseudonym);
}

async function forgetOwn(change: Change & Reads, subject: string): Promise<void> {
  const keys = (
    await change.selectFrom("api_keys").select("id").where("user_id", "=", subject).execute()
  ).map(({ id }) => id);
  for (const table of ["sessions", "tokens", "api_keys"] as const)
    await change.deleteFrom(table).where("user_id", "=", subject).execute();
  if (keys.length > 0) await change.deleteFrom("retired_secrets").where("key_id", "in", keys).execute();
  await change
    .deleteFrom("limits")
    .where("subject_id", "in", [subject, ...keys])
    .execute();
  await change.deleteFrom("views").where("owner", "=", subject).execute();
  await change.deleteFrom("users").where("id", "=", subject).execute();
}

async function forgetInFilters(change: Change & Reads, subject: string, pseudonym: string): Promise<void> {
  const renamed = (filter: string) => withoutPerson(filter, subject, pseudonym);
  for (const { id, query } of await change.selectFrom("views").select(["id", "query"]).execute())
    if (renamed(query) !== query) await change.deleteFrom("views").where("id", "=", id).execute();
  for (const { id, filter } of await change.selectFrom("export_schedules").select(["id", "filter"]).execute())
    if (renamed(filter) !== filter)
      await change
        .updateTable("export_schedules")
        .set({ filter: renamed(filter) })
        .where("id", "=", id)
        .execute();
  const released = change.selectFrom("holds").select(["id", "filter"]).where("released_at", "is not", null);
  for (const { id, filter } of await released.execute())
    if (filter !== null && renamed(filter) !== filter)
      await change
        .updateTable("holds")
        .set({ filter: null, reason: null, release_reason: null })
        .where("id", "=", id)
        .execute();
}

/** The parameters with another name in the place of the person's, wherever they may name one; else as they are. */
export function withoutPerson(filter: string, subject: string, pseudonym: string): string {
  const named = wordOf(subject);
  let isNamed = false;
  const rename = (text: string) =>
    text.replace(named, () => {
      isNamed = true;
      return pseudonym;
    });
  const parameters = [...new URLSearchParams(filter)].map(([name, value]): [string, string] =>
    isPublic(name) ? [name, value] : [rename(name), rename(value)],
  );
  return isNamed ? String(new URLSearchParams(parameters)) : filter;
}

/** Fields that hold no personal data, whatever they are compared with. */
function isPublic(parameter: string): boolean {
  const name = /^\w*/.exec(parameter)?.[0] ?? "";
  return isFieldName(name) && FIELDS[COLUMN[name]]?.class === "public";
}
