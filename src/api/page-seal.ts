// A query leaves one event however many pages are read. So that nobody reads the trail unrecorded by starting
// with a cursor of their own making, or by carrying a cursor to another question, each `next` link seals its
// cursor to the token and the filter that it continues. Without a fitting seal a page counts as a new query.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { EventQuery } from "../query/filter.ts";
import { writeQuery } from "../query/parameters.ts";

/** Between cursor and seal; no cursor contains it. */
const MARK = ".";

export class PageSeal {
  /** Lives as long as the process: after a restart a reader's next page is one more event. */
  readonly #key = randomBytes(32);

  /** The query string of the page that `next` asks for. */
  seal(next: EventQuery, tokenId: string): string {
    const parameters = writeQuery(next);
    parameters.set("cursor", `${parameters.get("cursor")}${MARK}${this.#mac(next, tokenId)}`);
    return parameters.toString();
  }

  /** Whether `mac` was given out to this token for this query. */
  fits(mac: string, query: EventQuery, tokenId: string): boolean {
    const [given, due] = [Buffer.from(mac), Buffer.from(this.#mac(query, tokenId))];
    return given.length === due.length && timingSafeEqual(given, due);
  }

  /** The page size may change from page to page; nothing else may. */
  #mac(query: EventQuery, tokenId: string): string {
    const text = JSON.stringify([tokenId, writeQuery({ ...query, limit: 1 }).toString()]);
    return createHmac("sha256", this.#key).update(text).digest("base64url");
  }
}

/** Takes the seal off the cursor in `parameters`; empty when there is none. */
export function takeSeal(parameters: URLSearchParams): string {
  const [text, ...more] = parameters.getAll("cursor");
  const at = text?.indexOf(MARK) ?? -1;
  if (text === undefined || at < 0 || more.length > 0) return "";
  parameters.set("cursor", text.slice(0, at));
  return text.slice(at + MARK.length);
}
