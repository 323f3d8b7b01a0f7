// Traffic for a visit, and what the explorer shows of it.
import { answered } from "../../src/event/outcomes.ts";
import { chat, type TestDaybook } from "../support/daybook.ts";
import type { Visit } from "./visit.ts";

/** So many requests, twenty at a time. */
export async function many(daybook: TestDaybook, count: number, model = "demo"): Promise<void> {
  for (let sent = 0; sent < count; sent += 20)
    await Promise.all(Array.from({ length: Math.min(20, count - sent) }, () => chat(daybook.url, { model })));
  await daybook.settle();
}

/** So many events, without requests; their ids, in order. */
export async function recorded(
  { server: { recorder }, settle }: TestDaybook,
  count: number,
  model: string,
): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    for (let at = 0; at < 2000 && ids.length < count; at++) {
      const event = recorder.begin({ kind: "inference", action: "chat", model });
      event.finish(answered(200));
      ids.push(event.eventId);
    }
    await recorder.drain();
  }
  await settle();
  return ids;
}

export const rows = ({ page }: Pick<Visit, "page">) =>
  page.locator("[data-testid=events] [aria-rowindex]:not([aria-rowindex='1'])");

/** Waits until the list says that it has `text`, such as `7 of 7`. */
export async function loaded({ page }: Pick<Visit, "page">, text: string): Promise<void> {
  await page.locator("[data-testid=loaded]").filter({ hasText: text }).waitFor();
}

/** Types a line into the search bar. */
export async function ask({ page }: Pick<Visit, "page">, text: string): Promise<void> {
  const search = page.getByLabel("Search the trail");
  await search.fill(text);
  await search.press("Enter");
}

/** Ids of the events whose rows are in the page. */
export async function idsInView({ page }: Pick<Visit, "page">): Promise<string[]> {
  const hrefs = await page.evaluate<string[]>(
    `[...document.querySelectorAll("[data-testid=events] a")].map((link) => link.getAttribute("href"))`,
  );
  return hrefs.map((href) => new URLSearchParams(href.split("?")[1]).get("open") ?? "");
}

/** Waits until the facets are those of the list. */
export async function counted({ page }: Pick<Visit, "page">): Promise<void> {
  await page.locator("aside[aria-label='Narrow by value'][aria-busy=false]").waitFor();
}
