// Every path that the API answers, by subject. Adding a route is adding it here; a route that changes something also
// needs its example in test/api/mutating-routes.ts.
import type { Route } from "./route.ts";
import { CREDIT_ROUTES } from "./routes/credits.ts";
import { HEALTH_ROUTES } from "./routes/health.ts";
import { KEY_ROUTES } from "./routes/keys.ts";
import { LIMIT_ROUTES } from "./routes/limits.ts";
import { TRAIL_ROUTES } from "./routes/trail.ts";
import { USAGE_ROUTES } from "./routes/usage.ts";

export const ROUTES: readonly Route[] = [
  ...TRAIL_ROUTES,
  ...KEY_ROUTES,
  ...LIMIT_ROUTES,
  ...CREDIT_ROUTES,
  ...USAGE_ROUTES,
  ...HEALTH_ROUTES,
];
