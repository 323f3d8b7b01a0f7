// A real browser for tests: $CHROME_PATH, else the machine's, else the one among the test engines, which brings the
// libraries that it needs. Its web security is as everybody's: what a policy would stop is stopped here too.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Playwright's shapes, as far as the tests use them: the package is fetched for tests alone. */
export interface Locator {
  click(options?: {
    readonly button?: "left";
    readonly timeout?: number;
    readonly force?: boolean;
  }): Promise<void>;
  fill(text: string): Promise<void>;
  press(key: string): Promise<void>;
  selectOption(value: string): Promise<unknown>;
  focus(): Promise<void>;
  hover(): Promise<void>;
  count(): Promise<number>;
  first(): Locator;
  last(): Locator;
  nth(index: number): Locator;
  filter(options: { readonly hasText?: string | RegExp }): Locator;
  locator(selector: string): Locator;
  getByRole(role: string, options?: ByRole): Locator;
  getByText(text: string | RegExp, options?: { readonly exact?: boolean }): Locator;
  getByLabel(text: string | RegExp, options?: { readonly exact?: boolean }): Locator;
  /** What assistive technology is told, as YAML. */
  ariaSnapshot(): Promise<string>;
  innerText(): Promise<string>;
  inputValue(): Promise<string>;
  allInnerTexts(): Promise<string[]>;
  getAttribute(name: string): Promise<string | null>;
  isVisible(): Promise<boolean>;
  isDisabled(): Promise<boolean>;
  waitFor(options?: {
    readonly state?: "visible" | "hidden" | "attached" | "detached";
    readonly timeout?: number;
  }): Promise<void>;
  boundingBox(): Promise<{ x: number; y: number; width: number; height: number } | null>;
  evaluate<T>(run: (element: HTMLLike) => T): Promise<T>;
}

interface ByRole {
  readonly name?: string | RegExp;
  readonly exact?: boolean;
  readonly level?: number;
}

/** An element, where a test reads one. */
export interface HTMLLike {
  scrollTop: number;
  readonly scrollHeight: number;
  readonly clientHeight: number;
  readonly textContent: string | null;
}

export interface Download {
  suggestedFilename(): string;
  path(): Promise<string>;
}

export interface Route {
  continue(): Promise<void>;
  /** What the server itself answers. */
  fetch(): Promise<{ text(): Promise<string> }>;
  fulfill(answer: { readonly response: object; readonly body: string }): Promise<void>;
}

export interface Page extends Pick<Locator, "locator" | "getByRole" | "getByText" | "getByLabel"> {
  getByPlaceholder(text: string): Locator;
  goto(url: string, options?: { readonly waitUntil?: "load" | "networkidle" }): Promise<unknown>;
  reload(): Promise<unknown>;
  goBack(): Promise<unknown>;
  url(): string;
  title(): Promise<string>;
  evaluate<T, A = undefined>(run: (argument: A) => T | Promise<T>, argument?: A): Promise<T>;
  evaluate<T>(run: string): Promise<T>;
  addScriptTag(options: { readonly path?: string; readonly content?: string }): Promise<unknown>;
  addInitScript(script: string): Promise<void>;
  waitForURL(
    url: string | RegExp | ((url: URL) => boolean),
    options?: { readonly timeout?: number },
  ): Promise<void>;
  waitForEvent(name: "download"): Promise<Download>;
  /** Answers in the server's place: what a server that was tampered with would say. */
  route(url: RegExp, answer: (route: Route) => Promise<void>): Promise<void>;
  unroute(url: RegExp): Promise<void>;
  on(name: "console", heard: (message: { type(): string; text(): string }) => void): void;
  on(name: "pageerror", heard: (error: Error) => void): void;
  on(name: "request" | "requestfinished" | "requestfailed", heard: (request: object) => void): void;
  viewportSize(): { readonly width: number; readonly height: number } | null;
  setViewportSize(size: { readonly width: number; readonly height: number }): Promise<void>;
  emulateMedia(media: {
    readonly colorScheme?: "light" | "dark";
    readonly media?: "print";
    readonly reducedMotion?: "reduce";
    readonly forcedColors?: "active";
  }): Promise<void>;
  screenshot(options: { readonly path: string; readonly fullPage?: boolean }): Promise<unknown>;
  setDefaultTimeout(ms: number): void;
  /** The page's own time, once installed: it goes on as ever, or stands still and goes by what is asked. */
  readonly clock: {
    install(): Promise<void>;
    pauseAt(time: number): Promise<void>;
    resume(): Promise<void>;
    runFor(ms: number): Promise<void>;
  };
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  readonly mouse: {
    move(x: number, y: number, options?: { readonly steps?: number }): Promise<void>;
    down(): Promise<void>;
    up(): Promise<void>;
    wheel(x: number, y: number): Promise<void>;
  };
}

/** The debugger of a page. */
export interface CdpSession {
  send(method: "HeapProfiler.collectGarbage" | "Performance.enable"): Promise<unknown>;
  send(method: "Performance.getMetrics"): Promise<{ readonly metrics: readonly Metric[] }>;
}

interface Metric {
  readonly name: string;
  readonly value: number;
}

export interface BrowserContext {
  newPage(): Promise<Page>;
  newCDPSession(page: Page): Promise<CdpSession>;
  setOffline(is: boolean): Promise<void>;
  close(): Promise<void>;
}

/** What a browser keeps. */
export interface StorageState {
  readonly cookies: readonly {
    readonly name: string;
    readonly value: string;
    readonly domain: string;
    readonly path: string;
    readonly expires: number;
    readonly httpOnly: boolean;
    readonly secure: boolean;
    readonly sameSite: "Strict";
  }[];
  readonly origins: readonly {
    readonly origin: string;
    readonly localStorage: readonly { readonly name: string; readonly value: string }[];
  }[];
}

export interface Browser {
  newContext(options?: {
    readonly timezoneId?: string;
    readonly locale?: string;
    readonly colorScheme?: "light" | "dark";
    readonly viewport?: { readonly width: number; readonly height: number };
    readonly bypassCSP?: boolean;
    readonly storageState?: StorageState;
  }): Promise<BrowserContext>;
  close(): Promise<void>;
}

interface Playwright {
  readonly chromium: {
    launch(options: {
      readonly executablePath: string;
      readonly args: readonly string[];
      readonly ignoreDefaultArgs?: readonly string[];
      readonly env: Readonly<Record<string, string | undefined>>;
    }): Promise<Browser>;
  };
}

const engines = fileURLToPath(new URL("../engines/", import.meta.url));
const fromEngines = createRequire(`${engines}package.json`);

/** axe-core, as a script for a page. */
export const AXE_PATH = fromEngines.resolve("axe-core/axe.min.js");

const ARGS = ["--headless=shell", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
const OF_MACHINE = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export async function launchBrowser(): Promise<Browser> {
  const { chromium } = fromEngines("playwright-core") as Playwright;
  const own = [process.env.CHROME_PATH, ...OF_MACHINE].find((path) => path !== undefined && existsSync(path));
  if (own !== undefined) return chromium.launch({ executablePath: own, args: ARGS, env: process.env });
  const folder = unpacked();
  return chromium.launch({
    executablePath: join(folder, "chromium"),
    args: ARGS,
    env: {
      ...process.env,
      LD_LIBRARY_PATH: join(folder, "al2023/lib"),
      FONTCONFIG_FILE: join(folder, "fonts.conf"),
    },
  });
}

/**
 * The folder of the unpacked browser, unpacked once for all test files. The package unpacks its libraries only where it
 * believes to be on Lambda, and takes what it finds in TMPDIR for its own: so in a folder that nobody else writes to.
 */
function unpacked(): string {
  const cache = join(engines, "node_modules/.cache");
  const { version } = JSON.parse(
    readFileSync(join(engines, "node_modules/@sparticuz/chromium/package.json"), "utf8"),
  ) as { version: string };
  const folder = join(cache, `chromium-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(join(cache, "draft-"));
  const script = `import Chromium from "@sparticuz/chromium"; await Chromium.executablePath();`;
  execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: engines,
    env: { ...process.env, TMPDIR: draft, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x" },
  });
  // The package's own looks for its fonts in /tmp.
  const fonts = `<fontconfig><dir>${folder}/fonts</dir><dir>/usr/share/fonts</dir><cachedir>${folder}/fonts-cache</cachedir></fontconfig>`;
  writeFileSync(
    join(draft, "fonts.conf"),
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">${fonts}\n`,
  );
  try {
    renameSync(draft, folder);
  } catch {
    // Another test file was faster.
    rmSync(draft, { recursive: true, force: true });
  }
  return folder;
}
