// The explorer of a server in a real browser, for benches: who is signed in, what is in view, and how frames come.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../src/config/load-config.ts";
import { openServer, type Server } from "../src/server/server.ts";
import { type BrowserContext, launchBrowser, type Page } from "../test/support/browser.ts";

const TOKEN = "dbt_bench-admin-token-0123456789-abcdefghij";
/** A frame that is as late as this is seen. */
const LATE_MS = 100;
const WAIT_MS = 30_000;

/** In every page: what is in view, and the times of frames. */
const PROBE = `
  window.probe = {
    rows: () => [...document.querySelectorAll("[data-testid=events] [aria-rowindex]:not([aria-rowindex='1'])")],
    isFull: () => probe.rows().length > 0 && probe.rows().every((row) => row.querySelector("a") !== null),
    first: () => Number(probe.rows()[0]?.getAttribute("aria-rowindex") ?? 0),
    /** Milliseconds until \`is\` holds at a frame. */
    until: (is) => new Promise((resolve, reject) => {
      const began = performance.now();
      const look = () => {
        const took = performance.now() - began;
        if (is()) resolve(took);
        else if (took > ${WAIT_MS}) reject(new Error("still not so: " + is + " " + [...document.querySelectorAll("[role=alert]")].map((each) => each.textContent)));
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }),
    frames: { count: 0, late: 0, longest: 0 },
    watch: () => {
      const frames = (probe.frames = { count: 0, late: 0, longest: 0 });
      let last = performance.now();
      const next = (now) => {
        if (probe.frames !== frames) return;
        frames.count++;
        if (now - last > ${LATE_MS}) frames.late++;
        frames.longest = Math.max(frames.longest, now - last);
        last = now;
        requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
    },
  };
  probe.firstRows = probe.until(() => probe.isFull()).then(() => performance.now());
  probe.firstRows.catch(() => {});
`;

export interface Frames {
  readonly count: number;
  readonly late: number;
  readonly longest: number;
}

export interface OpenExplorer extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly to: (search: string) => Promise<unknown>;
  /** Events that the list has. */
  readonly total: () => Promise<number>;
  /** Events that the server has, of a query. */
  readonly count: (query: string) => Promise<number>;
}

/** A server in `home`; its events are kept whatever their age. */
export async function openHome(home: string): Promise<Server> {
  writeFileSync(
    join(home, "daybook.yaml"),
    "listen: 127.0.0.1:0\naudit: { retention_days: { inference: 3650 } }\n",
  );
  const env = { DAYBOOK_HOME: home, DAYBOOK_BOOTSTRAP_ADMIN_TOKEN: TOKEN };
  return openServer(await loadConfig({ env, cwd: home, homedir: home, flags: {} }));
}

export async function openExplorer({ url }: Pick<Server, "url">): Promise<OpenExplorer> {
  const browser = await launchBrowser();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.addInitScript(PROBE);
  const to = (search: string) => page.goto(`${url}/${search}`);
  await to("");
  await page.getByRole("button", { name: "Token" }).click();
  await page.getByLabel("Token", { exact: true }).last().fill(TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
  return {
    page,
    context,
    to,
    total: () =>
      page.evaluate<number>(
        `Number(document.querySelector("[data-testid=events]")?.getAttribute("aria-rowcount") ?? 1) - 1`,
      ),
    count: (query) =>
      page.evaluate<number>(
        `fetch("/admin/audit-logs/count?${query}").then((answer) => answer.json()).then(({ count }) => count)`,
      ),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
