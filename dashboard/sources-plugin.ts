// Notes which files outside this folder went into the build, so that a change of one of them asks for another
// (scripts/build-dashboard.mjs).
import { mkdirSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { Plugin } from "vite";

export function sourcesPlugin(): Plugin {
  const root = new URL("..", import.meta.url).pathname;
  const outside = new Set<string>();
  return {
    name: "daybook:sources",
    apply: "build",
    moduleParsed({ id }) {
      const path = relative(root, id.split("?", 1)[0] ?? id);
      if (path.startsWith("src/")) outside.add(path);
    },
    closeBundle() {
      const folder = new URL("./.svelte-kit/", import.meta.url);
      mkdirSync(folder, { recursive: true });
      writeFileSync(new URL("sources.json", folder), JSON.stringify([...outside].sort()));
    },
  };
}
