// UTC milliseconds as ISO 8601, many in a row: neighbours mostly share their day, which is then written once.
import { isoTime } from "../../event/json.ts";

const DAY_MS = 86_400_000;
const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, "0"));

/** A function that writes what `isoTime` does. */
export function createIsoText(): (ms: number) => string {
  let day = Number.NaN;
  let date = "";
  return (ms) => {
    if (ms < 0) return isoTime(ms);
    const rest = ms % DAY_MS;
    if (ms - rest !== day) {
      day = ms - rest;
      date = isoTime(day).slice(0, -13);
    }
    const seconds = Math.floor(rest / 1000);
    const minutes = Math.floor(seconds / 60);
    const thousandths = rest % 1000;
    const zeros = thousandths < 10 ? "00" : thousandths < 100 ? "0" : "";
    const clock = `${TWO_DIGITS[Math.floor(minutes / 60)]}:${TWO_DIGITS[minutes % 60]}:${TWO_DIGITS[seconds % 60]}`;
    return `${date}${clock}.${zeros}${thousandths}Z`;
  };
}
