// The explorer with five million events behind it, in a real browser: first rows, a filter's rows, a jump to anywhere,
// and live traffic, evenly and in a burst.
import { constants, copyFileSync } from "node:fs";
import { join } from "node:path";
import type { Server } from "../src/server/server.ts";
import { type Frames, type OpenExplorer, openExplorer, openHome } from "./explorer.ts";
import { filledStore } from "./filled-store.ts";
import { type Bench, type BenchOptions, number, quantileOf, type Target } from "./harness.ts";
import { recordEvenly } from "./load/even-events.ts";
import { benchFolder } from "./recording.ts";

/** What live traffic adds to is filtered, so that it can be counted. */
const LIVE = "model=gpt-4o-mini";
const CAUGHT_UP_MS = 30_000;
const FILTERS = ["model", "user_id", "status", "provider"] as const;

export const bench: Bench = {
  name: "dashboard",
  async run(options) {
    const { quick, rounds, say } = options;
    const events = quick ? 50_000 : 5_000_000;
    const home = benchFolder();
    const { file } = await filledStore(events, say);
    copyFileSync(file, join(home, "events.db"), constants.COPYFILE_FICLONE);
    const server = await openHome(home);
    try {
      await using explorer = await openExplorer(server);
      const [first, filtered, jumped]: number[][] = [[], [], []];
      for (let round = -1; round < rounds; round++) {
        const one = [await firstRows(explorer)];
        const many = await filters(explorer);
        const jumps = await jumpsOf(explorer, events);
        say(
          `round ${round + 1}: first ${one.map(number)}, filters ${many.map(number)}, jumps ${jumps.map(number)} ms`,
        );
        if (round < 0) continue;
        first?.push(...one);
        filtered?.push(...many);
        jumped?.push(...jumps);
      }
      const even = await live(explorer, server, { rate: 500, seconds: quick ? 5 : 60, say });
      const burst = await live(explorer, server, { rate: 5000, seconds: quick ? 2 : 10, say });
      const rows = [
        ["first rows, all time", first],
        ["a filter's rows", filtered],
        ["a jump to anywhere", jumped],
      ] as const;
      const ms = (values: number[] | undefined, quantile: number) => quantileOf(values ?? [], quantile);
      return {
        targets: [
          atMost("First rows of all time, p95", ms(first, 0.95), 800, " ms"),
          atMost("From a filter to its rows, p95", ms(filtered, 0.95), 300, " ms"),
          atMost("A jump to anywhere, p95", ms(jumped, 0.95), 300, " ms"),
          atMost("Frames over 100 ms at 500 events/s", even.late, 0, ""),
          atMost("Events missed or shown twice, evenly and in a burst", even.wrong + burst.wrong, 0, ""),
        ],
        tables: [
          {
            caption: `The explorer over ${number(events)} events`,
            head: ["", "median", "p95", "most"],
            rows: rows.map(([what, values]) => [
              what,
              ...[0.5, 0.95, 1].map((quantile) => `${number(ms(values, quantile))} ms`),
            ]),
          },
          {
            caption: "Live",
            head: [
              "events/s",
              "events",
              "recorded",
              "frames/s",
              "frames over 100 ms",
              "longest frame",
              "wrong",
            ],
            rows: [even, burst].map(({ rate, made, recorded, count, seconds, late, longest, wrong }) => [
              number(rate),
              number(made),
              number(recorded),
              number(count / seconds),
              number(late),
              `${number(longest)} ms`,
              number(wrong),
            ]),
          },
        ],
      };
    } finally {
      await server.close(0);
    }
  },
};

function atMost(what: string, measured: number, most: number, unit: string): Target {
  return { what, measured, least: most, goal: most, better: "less", unit };
}

/** Since the navigation began, with nothing of the page in memory but what the browser keeps. */
async function firstRows({ page, to }: OpenExplorer): Promise<number> {
  await to("?since=0&kind=inference");
  return page.evaluate<number>("probe.firstRows");
}

/** Clicks on a value of each facet, and away again. */
async function filters({ page }: OpenExplorer): Promise<number[]> {
  const all: number[] = [];
  for (const field of FILTERS) {
    const took = await page.evaluate<number | null>(`(async () => {
      const titles = { model: "Model", user_id: "User", status: "Status", provider: "Provider" };
      const facet = () => document.querySelector(\`aside section[aria-label="\${titles["${field}"]}"]\`);
      const grid = () => document.querySelector("[data-testid=events]");
      await probe.until(() => facet()?.querySelector("li button") && probe.isFull());
      const button = facet().querySelector("li:nth-child(2) button") ?? facet().querySelector("li button");
      const value = button.textContent.trim();
      button.click();
      return probe.until(() => button.ariaPressed === "true" && grid().ariaBusy === "false" && probe.isFull() &&
        probe.rows().every((row) => row.textContent.includes(value)));
    })()`);
    if (took !== null) all.push(took);
    await page.goBack();
    await page.evaluate("probe.until(() => probe.isFull())");
  }
  return all;
}

/** To the end, and to parts of the list in no order. */
async function jumpsOf({ page }: OpenExplorer, events: number): Promise<number[]> {
  const all: number[] = [];
  await page.evaluate(
    `probe.until(() => document.querySelector("[data-testid=events][aria-rowcount='${events + 1}']") !== null)`,
  );
  for (const share of [1, 0.37, 0.81, 0.052, 0.5, 0.93]) {
    all.push(
      await page.evaluate<number>(`(async () => {
        const grid = document.querySelector("[data-testid=events]");
        const before = probe.first();
        grid.scrollTop = ${share} * (grid.scrollHeight - grid.clientHeight);
        return probe.until(() => probe.first() !== before && probe.isFull());
      })()`),
    );
  }
  return all;
}

interface LiveRun extends Frames {
  readonly rate: number;
  readonly seconds: number;
  readonly made: number;
  /** A recorder that cannot follow drops, and counts it. */
  readonly recorded: number;
  /** By how many rows the list is not what was recorded. */
  readonly wrong: number;
}

async function live(
  { page, to, total, count }: OpenExplorer,
  server: Server,
  { rate, seconds, say }: { rate: number; seconds: number } & Pick<BenchOptions, "say">,
): Promise<LiveRun> {
  await to(`?since=0&${LIVE}&live=1`);
  await page.getByRole("button", { name: /^Live ·/ }).waitFor();
  const before = await total();
  await page.evaluate("probe.watch()");
  const made = await recordEvenly(server, rate, seconds);
  const frames = await page.evaluate<Frames>("probe.frames");
  await server.recorder.drain();
  await server.delivery.caughtUp(CAUGHT_UP_MS);
  const all = await count(LIVE);
  const end = performance.now() + CAUGHT_UP_MS;
  while ((await total()) !== all && performance.now() < end) await page.evaluate("probe.until(() => true)");
  const [recorded, wrong] = [all - before, Math.abs((await total()) - all)];
  say(
    `live at ${number(rate)}/s: ${frames.count} frames, ${frames.late} late, ${recorded} recorded, ${wrong} wrong`,
  );
  return { rate, seconds, made, recorded, wrong, ...frames };
}
