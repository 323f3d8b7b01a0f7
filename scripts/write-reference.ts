// Writes docs/reference/ from the code: events, errors, configuration, API. A test fails when a page is stale.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { referencePages } from "./reference-pages.ts";

const folder = fileURLToPath(new URL("../docs/reference/", import.meta.url));
for (const [name, text] of Object.entries(referencePages())) writeFileSync(folder + name, text);
