// What becomes of a list, told to people who do not see it: how many a search found, what came since, what went wrong.
import { number } from "#lib/amounts.ts";
import { failureText } from "#lib/api.ts";
import { told } from "#lib/shell/told.svelte.ts";
import type { Trail } from "./trail.svelte.ts";

const events = (count: number, of = "events") =>
  `${count === 0 ? "No" : number(count)} ${count === 1 ? of.replace(/s$/, "") : of}`;

/** For as long as the component is there that calls it, while it is made. */
export function tellOf(trail: Trail): void {
  const { live } = trail;
  let isThere = true;
  /** Of what came live. */
  let known = 0;
  let said: string | null = null;
  let wasOffline = false;

  $effect(() => {
    void trail.at;
    known = 0;
  });
  $effect(() => {
    if (trail.isCounted) told.say("found", () => (isThere && trail.isCounted ? events(trail.total) : null));
  });
  $effect(() => {
    if (live.shown + live.waiting > 0) told.say("live", news);
  });
  $effect(() => {
    const { error } = trail;
    said = error === null ? null : said;
    if (error !== null) told.say("error", failure);
  });
  $effect(() => {
    if (live.state === "offline")
      told.say("reach", () => (isThere && live.state === "offline" ? "Offline" : null));
    else if (live.state === "live" && wasOffline) told.say("reach", () => (isThere ? "Live again" : null));
    if (live.state !== "connecting") wasOffline = live.state === "offline";
  });
  $effect(() => () => {
    isThere = false;
  });

  function news(): string | null {
    const count = live.received - known;
    known = live.received;
    if (!isThere || count <= 0) return null;
    return `${events(count, "new events")}${live.isPaused ? ", waiting" : ""}`;
  }

  /** Once, however often it is tried again. */
  function failure(): string | null {
    if (!isThere || trail.error === null) return null;
    const text = failureText(trail.error);
    const isNew = text !== said;
    said = text;
    return isNew ? text : null;
  }
}
