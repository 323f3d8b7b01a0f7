// UTC milliseconds as ISO 8601, many in a row: neighbours mostly share their second, which is then written once.
import { isoTime } from "../../event/json.ts";

/** A function that writes what `isoTime` does. */
export function createIsoText(): (ms: number) => string {
  let second = Number.NaN;
  let prefix = "";
  return (ms) => {
    const rest = ms % 1000;
    if (ms - rest !== second) {
      if (ms < 0) return isoTime(ms);
      second = ms - rest;
      prefix = isoTime(second).slice(0, -4);
    }
    return `${prefix}${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}Z`;
  };
}
