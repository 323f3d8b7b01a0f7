// What leads from a screen to events leads to those events and no others; an address that cannot be is said.
import assert from "node:assert/strict";
import { test } from "node:test";
import { answered, createRecorder } from "../../src/library/index.ts";
import { tempFolder } from "../support/temp.ts";
import { useBrowser, useDaybook, useVisit } from "./visit.ts";

useBrowser();
const shared = useDaybook(() => ({}));
const visiting = useVisit(shared);

test("the request logs say it when an address asks for what there is not", async () => {
  const visited = visiting();
  await visited.to("/settings?no_such=1");
  await visited.page.getByRole("alert").filter({ hasText: "There is no parameter" }).waitFor();
  await visited.page.getByRole("link", { name: "Take the filter away" }).click();
  await visited.page.getByText("No audit logs found").waitFor();
});

test("a name with a star leads to its own events, and not to those of everybody", async () => {
  const daybook = shared();
  const { json } = await daybook.ask("/admin/tokens", {
    method: "POST",
    body: { name: "far", role: "admin", scopes: ["ingest"] },
  });
  const far = await createRecorder({
    url: daybook.url,
    key: (json as { secret: string }).secret,
    folder: tempFolder(),
  });
  for (const userId of ["*", "ann", "ann"])
    far.log({ kind: "inference", action: "chat", userId }, answered(200));
  assert.ok(await far.shipped());
  await far.close();
  await daybook.settle();
  const { page, to } = visiting();
  await to("/overview");
  await page.getByRole("region", { name: "Users" }).getByRole("link", { name: /^\*/ }).click();
  await page.locator("[data-testid=loaded]").filter({ hasText: "1 of 1" }).waitFor();
  await daybook.ask("/admin/holds", {
    method: "POST",
    body: { filter: { user_id: ["ann", "\\*"] }, justification: "Both of them" },
  });
  await to("/holds");
  await page.getByRole("link", { name: /^user_id:/ }).click();
  await page.locator("[data-testid=loaded]").filter({ hasText: "3 of 3" }).waitFor();
});
