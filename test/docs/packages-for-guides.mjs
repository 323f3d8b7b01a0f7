// For the code of guides, wherever it stands: packages that services have, which here only tests fetch.
import { registerHooks } from "node:module";

const engines = new URL("../engines/package.json", import.meta.url).href;
const own = import.meta.url;

registerHooks({
  resolve(specifier, context, next) {
    if (/^daybook(\/|$)/.test(specifier)) return next(specifier, { ...context, parentURL: own });
    try {
      return next(specifier, context);
    } catch (error) {
      if (/^[./]|^node:/.test(specifier)) throw error;
      return next(specifier, { ...context, parentURL: engines });
    }
  },
});
