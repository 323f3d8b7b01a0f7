// Saved views of the trail: a filter with its times and columns, of one's own or shared with all. Whoever made a view
// changes it; a shared one also who may change configuration.
import type { Selectable } from "kysely";
import { DaybookError } from "../event/errors.ts";
import type { FieldName } from "../event/fields.ts";
import { type Actor, differing, filterValues, type Values } from "./change.ts";
import type { Change, Control } from "./control.ts";
import { line, newId } from "./given.ts";
import type { ViewsTables } from "./views-tables.ts";

export interface ViewSpec {
  readonly name: string;
  /** Parameters of a URL. */
  readonly query: string;
  /** null: the usual ones. */
  readonly columns: readonly FieldName[] | null;
  readonly shared: boolean;
  readonly isDefault: boolean;
}

export interface View extends ViewSpec {
  readonly id: string;
  readonly owner: string;
  /** UTC ms. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Who asks; `isAdmin`: for shared views of others, and what everybody sees first. */
export interface Viewer {
  readonly owner: string;
  readonly isAdmin: boolean;
}

type Row = Selectable<ViewsTables["views"]>;

const ENTITY = "view";
/** Of one owner. */
const MOST = 100;

export class Views {
  readonly #control: Control;

  constructor(control: Control) {
    this.#control = control;
  }

  /** One's own and those that are shared, by name. */
  async list({ owner }: Viewer): Promise<View[]> {
    const rows = await this.#control.reads
      .selectFrom("views")
      .selectAll()
      .where(({ eb, or }) => or([eb("owner", "=", owner), eb("shared", "=", 1)]))
      .orderBy("name")
      .orderBy("id")
      .execute();
    return rows.map(viewOf);
  }

  /** Throws `conflict` when one's own of this name is there already, or there are too many. */
  async create(actor: Actor, viewer: Viewer, spec: ViewSpec): Promise<View> {
    refuseDefault(viewer, spec);
    const { owner } = viewer;
    const now = this.#control.clock();
    const row: Row = { id: newId("view"), owner, ...columnsOf(spec), created_at: now, updated_at: now };
    await this.#control.change(actor, { action: "view_created", entityType: ENTITY }, async (change) => {
      const own = await change.selectFrom("views").select("name").where("owner", "=", owner).execute();
      if (own.length >= MOST)
        throw new DaybookError("conflict", `You have ${MOST} views already: delete one that is not needed.`);
      refuseTaken(own, row.name);
      await this.#clearDefault(change, row);
      await change.insertInto("views").values(row).execute();
      return { entityId: row.id, oldValues: null, newValues: valuesOf(viewOf(row)) };
    });
    return viewOf(row);
  }

  /** Throws as `create` does, `unknown_entity`, and `conflict` where it is somebody else's. */
  async replace(actor: Actor, viewer: Viewer, id: string, spec: ViewSpec): Promise<View> {
    refuseDefault(viewer, spec);
    let next: Row | null = null;
    await this.#control.change(actor, { action: "view_updated", entityType: ENTITY }, async (change) => {
      const row = await changeable(change, viewer, id);
      const columns = { ...columnsOf(spec), updated_at: this.#control.clock() };
      const others = await change
        .selectFrom("views")
        .select("name")
        .where("owner", "=", row.owner)
        .where("id", "!=", id)
        .execute();
      refuseTaken(others, columns.name);
      next = { ...row, ...columns };
      const told = differing(valuesOf(viewOf(row)), valuesOf(viewOf(next)));
      if (told === null) return null;
      await this.#clearDefault(change, next);
      await change.updateTable("views").set(columns).where("id", "=", id).execute();
      return { entityId: id, ...told };
    });
    if (next === null) throw new DaybookError("unknown_entity", "such view");
    return viewOf(next);
  }

  /** Throws `unknown_entity`, and `conflict` where it is somebody else's. */
  async delete(actor: Actor, viewer: Viewer, id: string): Promise<void> {
    await this.#control.change(actor, { action: "view_deleted", entityType: ENTITY }, async (change) => {
      const row = await changeable(change, viewer, id);
      await change.deleteFrom("views").where("id", "=", id).execute();
      return { entityId: id, oldValues: valuesOf(viewOf(row)), newValues: null };
    });
  }

  /** One at most is first: for everybody, and for its owner. */
  async #clearDefault(change: Change, { id, owner, shared, is_default }: Row): Promise<void> {
    if (is_default === 0) return;
    const others = change
      .updateTable("views")
      .set({ is_default: 0 })
      .where("id", "!=", id)
      .where("shared", "=", shared);
    await (shared === 1 ? others : others.where("owner", "=", owner)).execute();
  }
}

function refuseDefault({ isAdmin }: Viewer, { shared, isDefault }: ViewSpec): void {
  if (shared && isDefault && !isAdmin)
    throw new DaybookError("bad_argument", "What everybody sees first is for administrators to say.");
}

function refuseTaken(others: readonly { readonly name: string }[], name: string): void {
  if (others.some((other) => other.name === name))
    throw new DaybookError("conflict", "There is a view of this name already.");
}

/** The view, if it is the viewer's to change: what others keep for themselves is as if it were not there. */
async function changeable(change: Change, { owner, isAdmin }: Viewer, id: string): Promise<Row> {
  const row = await change.selectFrom("views").selectAll().where("id", "=", id).executeTakeFirst();
  const isSeen = row !== undefined && (row.owner === owner || row.shared === 1);
  if (!isSeen) throw new DaybookError("unknown_entity", "such view");
  if (row.owner !== owner && !isAdmin)
    throw new DaybookError("conflict", "This view is somebody else's: save one of your own.");
  return row;
}

function columnsOf(spec: ViewSpec) {
  const { name, query, columns, shared, isDefault } = spec;
  return {
    name: line("name", name, 128),
    query,
    columns: columns === null ? null : JSON.stringify(columns),
    shared: shared ? 1 : 0,
    is_default: isDefault ? 1 : 0,
  } as const;
}

function viewOf(row: Row): View {
  return {
    id: row.id,
    owner: row.owner,
    name: row.name,
    query: row.query,
    columns: row.columns === null ? null : (JSON.parse(row.columns) as FieldName[]),
    shared: row.shared === 1,
    isDefault: row.is_default === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** What the trail says of it. */
function valuesOf({ name, query, columns, shared, isDefault }: View): Values {
  return { name, ...filterValues("query", query), columns, shared, is_default: isDefault };
}
