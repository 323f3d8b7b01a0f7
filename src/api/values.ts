// Values that many routes take and give, as schemas: what is checked is what docs and OpenAPI say.
import * as z from "zod";
import { isoTime } from "../event/json.ts";

/** A time to come, as ISO 8601 with a zone; read as UTC ms. */
export const TIME = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

/** ISO 8601, UTC. */
export const SHOWN_TIME = z.iso.datetime();

/** Taken, and never shown again. */
export const SECRET = z.string().meta({ writeOnly: true, format: "password" });

/** Why something is changed; goes to the change's event. */
export const JUSTIFICATION = z.string().min(1).max(500).optional().describe("Why; recorded with the change.");

/** The body of changes that take nothing but a reason. */
export const REASON_BODY = z.object({ justification: JUSTIFICATION });

export function shownTime(ms: number): string;
export function shownTime(ms: number | null): string | null;
export function shownTime(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
