// This machine, as the checks see it.
import { statfsSync } from "node:fs";
import type { Machine } from "./check.ts";

export const thisMachine: Machine = {
  nodeVersion: process.versions.node,
  sqliteVersion: process.versions.sqlite ?? "0",
  platform: process.platform,
  now: Date.now,
  monotonic: () => performance.now(),
  fileSystem: (path) => statfsSync(path),
};
