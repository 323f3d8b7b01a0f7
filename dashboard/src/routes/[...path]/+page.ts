// Addresses that nothing is at. Pages find what they load by relative paths, so there is a file for each depth; the
// server answers with the one that fits.
import { error } from "@sveltejs/kit";

const DEPTHS = [0, 1, 2, 3, 4, 5];

export const entries = () => DEPTHS.map((depth) => ({ path: `${"-/".repeat(depth)}not-found` }));

export function load(): never {
  error(404, "Look at the address again. What was there may have another name.");
}
