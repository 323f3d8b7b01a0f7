// The pictures in README.md: the explorer on traffic of the simulation, light and dark. `npm run pictures`.
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launchBrowser } from "../test/support/browser.ts";
import { ADMIN_TOKEN, chat, startDaybook } from "../test/support/daybook.ts";

const folder = fileURLToPath(new URL("../docs/pictures/", import.meta.url));
mkdirSync(folder, { recursive: true });
const ends: (() => unknown)[] = [];
const daybook = await startDaybook({ after: (end?: unknown) => void ends.push(end as () => unknown) });
const models = ["demo", "demo", "demo", "gpt-4o-mini", "claude-sonnet-4-5"];
const reply = { first_byte_ms: 3 };
const keys: string[] = [];
for (const name of ["ann", "ben", "cleo"]) {
  const made = async (path: string, body: object) =>
    (await daybook.ask(path, { method: "POST", body })).json as { id: string; secret: string };
  const { id } = await made("/admin/users", { name, role: "viewer" });
  keys.push((await made("/admin/api-keys", { name: `${name}'s`, user_id: id })).secret);
}
await daybook.ask("/admin/providers", {
  method: "POST",
  body: { name: "simulation", backend_type: "simulated" },
});
for (const model of ["gpt-4o-mini", "claude-sonnet-4-5"]) {
  const providers = [{ provider: "simulation", upstream_model: "demo" }];
  const price = { prompt_per_million: 3, completion_per_million: 15 };
  await daybook.ask("/admin/routes", { method: "POST", body: { model, providers, price } });
}
for (let sent = 0; sent < 400; sent++) {
  const model = models[sent % models.length] ?? "demo";
  await chat(daybook.url, {
    model,
    stream: sent % 3 === 0,
    headers: {
      authorization: `Bearer ${keys[(sent * sent) % keys.length]}`,
      "x-session-id": `run-${Math.floor(sent / 25) + 1}`,
    },
    simulate: sent % 17 === 0 ? { status: 500 } : reply,
  });
}
await daybook.settle();
const browser = await launchBrowser();
try {
  for (const colorScheme of ["light", "dark"] as const) {
    const context = await browser.newContext({
      colorScheme,
      timezoneId: "UTC",
      locale: "en-GB",
      viewport: { width: 1680, height: 945 },
    });
    const page = await context.newPage();
    await page.goto(`${daybook.url}/?kind=inference&since=15m`);
    await page.getByRole("button", { name: "Token" }).click();
    await page.getByLabel("Token", { exact: true }).last().fill(ADMIN_TOKEN);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator("[data-testid=sums]").waitFor();
    await page.locator("[data-testid=events] a").nth(4).click();
    await page.getByRole("complementary", { name: "Event", exact: true }).waitFor();
    await page.screenshot({ path: `${folder}explorer-${colorScheme}.png` });
    await context.close();
  }
} finally {
  await browser.close();
  for (const end of ends) await end();
}
