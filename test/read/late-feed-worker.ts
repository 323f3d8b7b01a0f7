// The feed's thread over a store whose parts for those who begin are late: by then, what came meanwhile was told to those
// who are live.
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, next) {
    const isFeeds = context.parentURL?.endsWith("/src/read/feed-worker.ts") === true;
    const isStore = isFeeds && specifier.endsWith("/open-store.ts");
    return next(isStore ? new URL("./late-store.ts", import.meta.url).href : specifier, context);
  },
});
await import("../../src/read/feed-worker.ts");
