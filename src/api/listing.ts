// Lists of what control holds, in the manner of the trail's: a JSON array, newest first, `limit` and `cursor`, and
// the next page as `Link: …; rel="next"` (RFC 8288).
import * as z from "zod";
import type { Page, PageKey } from "../control/pages.ts";
import { DaybookError } from "../event/errors.ts";
import type { Call } from "./route.ts";

const MAX_LIMIT = 1000;

/** The parameters of every such list. */
export const PAGE_QUERY = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(100).describe("Entries on a page."),
  cursor: z.string().optional().describe("Where the next page starts; taken from the `Link` header."),
});

/** One page of `list`, shown by `show`. */
export async function listPage<Entity extends PageKey, Shown>(
  { query, request, reply }: Pick<Call<z.output<typeof PAGE_QUERY>>, "query" | "request" | "reply">,
  list: (page: Page) => Promise<Entity[]>,
  show: (entity: Entity) => Shown,
): Promise<Shown[]> {
  const { limit, cursor } = query;
  const entities = await list({ limit: limit + 1, after: cursor === undefined ? null : decode(cursor) });
  const shown = entities.slice(0, limit);
  const last = shown.at(-1);
  if (last !== undefined && entities.length > limit) {
    const next = new URLSearchParams({ limit: String(limit), cursor: encode(last) });
    reply.header("link", `<${request.routeOptions.url}?${next}>; rel="next"`);
  }
  return shown.map(show);
}

function encode({ createdAt, id }: PageKey): string {
  return Buffer.from(JSON.stringify([createdAt, id])).toString("base64url");
}

function decode(text: string): PageKey {
  try {
    const [createdAt, id] = JSON.parse(Buffer.from(text, "base64url").toString()) as unknown[];
    const key = { createdAt: createdAt as number, id: id as string };
    if (Number.isSafeInteger(createdAt) && typeof id === "string" && encode(key) === text) return key;
  } catch {
    // Not base64 of JSON: refused below.
  }
  throw new DaybookError("bad_cursor");
}
