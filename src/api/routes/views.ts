// Saved views of the trail: one's own, and those that are shared.
import * as z from "zod";
import type { View, Viewer, ViewSpec } from "../../control/views.ts";
import { FIELDS, type FieldName } from "../../event/fields.ts";
import { parseFilter } from "../../query/parameters.ts";
import { REQUEST } from "../audit.ts";
import { type Call, holderOf, type Route, route } from "../route.ts";
import { SHOWN_TIME, shownTime } from "../values.ts";

const MOST_COLUMNS = 64;
const NAMES = FIELDS.map(({ name }) => name) as [FieldName, ...FieldName[]];
const COLUMNS = z.array(z.enum(NAMES)).min(1).max(MOST_COLUMNS).nullable();

const BODY = z.object({
  name: z.string().min(1).max(128),
  query: z
    .string()
    .max(4096)
    .describe("Filter, `since` and `until` as the parameters of a URL; relative times stay relative."),
  columns: COLUMNS.default(null).describe("In order; null: the usual ones."),
  shared: z.boolean().default(false).describe("Everybody sees it."),
  is_default: z
    .boolean()
    .default(false)
    .describe(
      "What its owner sees first; shared, what everybody does who has no such view (`admin` alone says so).",
    ),
});

const VIEW = z.object({
  id: z.string(),
  name: z.string(),
  query: z.string(),
  columns: COLUMNS,
  shared: z.boolean(),
  is_default: z.boolean(),
  editable: z.boolean().describe("Whether it is the asker's to change."),
  created_at: SHOWN_TIME,
  updated_at: SHOWN_TIME,
});

const EVERYBODY = { access: ["own"], audit: REQUEST } as const;
const ENTITY = { entityType: "view" } as const;

export const VIEW_ROUTES: readonly Route[] = [
  route({
    ...EVERYBODY,
    method: "GET",
    path: "/admin/views",
    answers: z.array(VIEW),
    about: "Saved views: one's own, and those that are shared, by name.",
    async answer(call) {
      const viewer = viewerOf(call);
      return (await call.parts.views.list(viewer)).map((view) => shown(view, viewer));
    },
  }),
  route({
    ...EVERYBODY,
    method: "POST",
    path: "/admin/views",
    changes: { ...ENTITY, action: "view_created" },
    body: BODY,
    answers: VIEW,
    status: 201,
    about: "Saves a view. It belongs to the user who asks, or to the token that belongs to nobody.",
    async answer(call) {
      const viewer = viewerOf(call);
      return shown(await call.parts.views.create(call.actor, viewer, specOf(call)), viewer);
    },
  }),
  route({
    ...EVERYBODY,
    method: "PUT",
    path: "/admin/views/:id",
    changes: { ...ENTITY, action: "view_updated" },
    body: BODY,
    answers: VIEW,
    about: "Puts another view in its place. Shared ones of others are for `admin` to change.",
    async answer(call) {
      const viewer = viewerOf(call);
      const { id = "" } = call.params;
      return shown(await call.parts.views.replace(call.actor, viewer, id, specOf(call)), viewer);
    },
  }),
  route({
    ...EVERYBODY,
    method: "DELETE",
    path: "/admin/views/:id",
    changes: { ...ENTITY, action: "view_deleted" },
    about: "Deletes the view.",
    answer: (call) => call.parts.views.delete(call.actor, viewerOf(call), call.params.id ?? ""),
  }),
];

function viewerOf(call: Call<unknown, unknown>): Viewer {
  const { userId, tokenId, id, grants } = holderOf(call);
  return { owner: userId ?? tokenId ?? id, isAdmin: grants.has("admin") };
}

/** Throws `bad_query` for a query that cannot be. */
function specOf({ body, parts }: Call<unknown, z.output<typeof BODY>>): ViewSpec {
  const { name, query, columns, shared, is_default: isDefault } = body;
  const parameters = new URLSearchParams(query);
  parseFilter(parameters, parts.now());
  return { name, query: parameters.toString(), columns, shared, isDefault };
}

function shown(view: View, { owner, isAdmin }: Viewer): z.output<typeof VIEW> {
  return {
    id: view.id,
    name: view.name,
    query: view.query,
    columns: view.columns === null ? null : [...view.columns],
    shared: view.shared,
    is_default: view.isDefault,
    editable: view.owner === owner || (view.shared && isAdmin),
    created_at: shownTime(view.createdAt),
    updated_at: shownTime(view.updatedAt),
  };
}
