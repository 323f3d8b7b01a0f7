// A visit to the dashboard of a real server in a real browser. Whatever the page complains of fails the test: errors,
// what its content security policy stopped, and what axe finds.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before } from "node:test";
import {
  AXE_PATH,
  type Browser,
  type BrowserContext,
  type Locator,
  launchBrowser,
  type Page,
  type StorageState,
} from "../support/browser.ts";
import { ADMIN_TOKEN, startDaybook, type TestDaybook } from "../support/daybook.ts";
import { type Ends, endings } from "../support/endings.ts";
import { until } from "../support/until.ts";

const WAIT_MS = 15_000;
const WINDOW = { width: 1280, height: 800 };
let launched: Promise<Browser> | null = null;

/** One browser for the tests of a file. */
export function useBrowser(): void {
  before(async () => {
    launched = launchBrowser();
    await launched;
  });
  after(async () => (await launched)?.close());
}

type Started = Parameters<typeof startDaybook>[1];

/** Hooks of a file do not wait for each other: what one needs of another is in here. */
export interface Shared {
  (): TestDaybook;
  readonly ready: Promise<TestDaybook>;
}

/** One server for the tests of a file, which only read what it has, or add what no other looks at. */
export function useDaybook(
  options: (t: Ends) => Started | Promise<Started>,
  seed: (daybook: TestDaybook) => Promise<void> = async () => {},
): Shared {
  let daybook: TestDaybook | null = null;
  const ready = Promise.withResolvers<TestDaybook>();
  const [t, end] = endings();
  before(async () => {
    try {
      daybook = await startDaybook(t, await options(t));
      await seed(daybook);
      await daybook.settle();
      ready.resolve(daybook);
    } catch (error) {
      ready.reject(error);
    }
    await ready.promise;
  });
  after(end);
  return Object.assign(() => daybook ?? assert.fail("only within tests"), { ready: ready.promise });
}

/** One visit for the tests of a file, which go to where they begin; none leaves a complaint, or forgives the next one's. */
export function useVisit(shared: Shared, options: VisitOptions = {}): () => Visit {
  let visited: Visit | null = null;
  const [t, end] = endings();
  before(async () => {
    visited = await visit(t, await shared.ready, options);
  });
  afterEach(async () => {
    assert.deepEqual(visited?.complaints(), []);
    visited?.forget();
    if (visited?.page.viewportSize()?.width !== WINDOW.width) await visited?.page.setViewportSize(WINDOW);
  });
  after(end);
  return () => visited ?? assert.fail("only within tests");
}

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors that are expected: those that a test provokes. */
  expected: RegExp | null;
  /** Goes to one of the dashboard's pages. */
  to(path: string): Promise<void>;
  /** Goes there without loading the page anew, as a link of it would. */
  follow(path: string): Promise<unknown>;
  /** Waits until it is seen, while the page's own time goes by faster: what it looks at now and then, it sees soon. */
  soon(what: Locator): Promise<void>;
  /** What axe finds wrong with the page as it is. */
  faults(): Promise<string[]>;
  /** What axe finds wrong with it by night: the same page in other colours. */
  faultsByNight(): Promise<string[]>;
  /** What the page complained of, but for what is expected. */
  complaints(): string[];
  /** Nothing was complained of yet, and nothing is expected. */
  forget(): void;
}

export interface VisitOptions {
  readonly token?: string | null;
  readonly zone?: string;
  readonly dark?: boolean;
  /** The page's time is its own, and can be hastened. */
  readonly ownTime?: boolean;
  /** Where the dashboard is, when it is not at the server's own root. */
  readonly url?: string;
}

/** A page that is nowhere yet, of somebody who is signed in. */
export async function visit(
  t: Ends,
  daybook: Pick<TestDaybook, "url" | "ask">,
  { token = ADMIN_TOKEN, zone = "UTC", dark = false, ownTime = false, url = daybook.url }: VisitOptions = {},
): Promise<Visit> {
  const browser = (await launched) ?? assert.fail("useBrowser() comes first");
  const context = await browser.newContext({
    timezoneId: zone,
    locale: "en-GB",
    colorScheme: dark ? "dark" : "light",
    viewport: WINDOW,
    ...(token === null ? {} : { storageState: await signedIn(daybook, token, url) }),
  });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  if (ownTime) await page.clock.install();
  let complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error.stack ?? error)));
  const visited: Visit = {
    page,
    context,
    expected: null,
    to: async (path) => {
      await page.goto(url + path);
    },
    follow: (path) =>
      page.evaluate(`(() => {
        const link = Object.assign(document.createElement("a"), { href: ${JSON.stringify(url + path)} });
        document.body.append(link);
        link.click();
        link.remove();
      })()`),
    soon: (what) =>
      until(async () => {
        if (await what.isVisible()) return true;
        await page.clock.runFor(250);
        return false;
      }, WAIT_MS),
    faults: () => faultsOf(page, RULES),
    faultsByNight: async () => {
      await page.emulateMedia({ colorScheme: "dark" });
      await page.locator("html.dark").waitFor({ state: "attached" });
      const faults = await faultsOf(page, OF_COLOURS);
      await page.emulateMedia({ colorScheme: "light" });
      await page.locator("html.dark").waitFor({ state: "detached" });
      return faults;
    },
    complaints: () => complaints.filter((text) => visited.expected?.test(text) !== true),
    forget: () => {
      complaints = [];
      visited.expected = null;
    },
  };
  t.after(async () => {
    await context.close();
    // The server is closed before the page is.
    const gone = /ERR_(?:CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)/;
    assert.deepEqual(
      visited.complaints().filter((text) => !gone.test(text)),
      [],
    );
  });
  return visited;
}

/** By the form, as people do. */
export async function signIn({ page, to }: Pick<Visit, "page" | "to">, token: string): Promise<void> {
  await to("/");
  await page.getByRole("button", { name: "Token" }).click();
  await page.getByLabel("Token", { exact: true }).last().fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Pages" }).waitFor();
}

/** What a browser keeps of somebody who is signed in: the session's cookie, and the mark that there is one. */
async function signedIn(
  { ask }: Pick<TestDaybook, "ask">,
  token: string,
  url: string,
): Promise<StorageState> {
  const { headers } = await ask("/auth/login/token", { method: "POST", token: null, body: { token } });
  const [cookie = ""] = String(headers["set-cookie"]).split(";", 1);
  const [name = "", value = ""] = cookie.split("=");
  const { hostname: domain, origin } = new URL(url);
  const kept = { name, value, domain, path: "/", expires: -1, httpOnly: true, secure: false } as const;
  return {
    cookies: [{ ...kept, sameSite: "Strict" }],
    origins: [{ origin, localStorage: [{ name: "daybook.signed-in", value: "" }] }],
  };
}

/** Tags of axe's rules; and the rules that look at colours. */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const OF_COLOURS = ["color-contrast", "link-in-text-block"];
const AXE = readFileSync(AXE_PATH, "utf8");

async function faultsOf(page: Page, rules: readonly string[]): Promise<string[]> {
  // By the debugger, which no policy stops.
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(AXE);
  // What passes is not described, which takes as long as finding what does not.
  return page.evaluate<string[]>(
    `axe.run(document, { runOnly: ${JSON.stringify(rules)}, resultTypes: ["violations"] })
      .then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 200)).join(" ; ")))`,
  );
}
