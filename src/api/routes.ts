// Every path that the API answers, by subject. Adding a route is adding it here; a route that changes something also
// needs its example in test/api/mutating-routes.ts.
import { alsoAt, type Route } from "./route.ts";
import { ACTIVITY_ROUTES } from "./routes/activity.ts";
import { CREDIT_ROUTES } from "./routes/credits.ts";
import { docsRoutes } from "./routes/docs.ts";
import { DRY_RUN_ROUTES } from "./routes/dry-run.ts";
import { ERASURE_ROUTES } from "./routes/erasures.ts";
import { EVIDENCE_ROUTES } from "./routes/evidence.ts";
import { EXPORT_ROUTES } from "./routes/exports.ts";
import { EVENT_STREAM_ROUTES, WEB_SOCKET_ROUTES } from "./routes/feed.ts";
import { HEALTH_ROUTES } from "./routes/health.ts";
import { HOLD_ROUTES } from "./routes/holds.ts";
import { INGEST_ROUTES } from "./routes/ingest.ts";
import { JOB_ROUTES } from "./routes/jobs.ts";
import { KEY_ROUTES } from "./routes/keys.ts";
import { LIMIT_ROUTES } from "./routes/limits.ts";
import { LOGIN_ROUTES } from "./routes/login.ts";
import { MCP_ROUTES } from "./routes/mcp.ts";
import { MODEL_ROUTE_ROUTES } from "./routes/model-routes.ts";
import { MODEL_ROUTES } from "./routes/models.ts";
import { NAME_ROUTES } from "./routes/names.ts";
import { POLICY_ROUTES } from "./routes/policies.ts";
import { PROVIDER_ROUTES } from "./routes/providers.ts";
import { RELOAD_ROUTES } from "./routes/reload.ts";
import { REPORT_ROUTES } from "./routes/report.ts";
import { RETENTION_ROUTES } from "./routes/retention.ts";
import { SCHEDULE_ROUTES } from "./routes/schedules.ts";
import { SUM_ROUTES } from "./routes/sums.ts";
import { TOKEN_ROUTES } from "./routes/tokens.ts";
import { TRAIL_ROUTES } from "./routes/trail.ts";
import { USAGE_ROUTES } from "./routes/usage.ts";
import { USER_ROUTES } from "./routes/users.ts";
import { VIEW_ROUTES } from "./routes/views.ts";

/** What is asked of the trail, which is answered where others had it before, too. */
const PATH = "/admin/audit-logs";
const TRAIL: readonly Route[] = [...SUM_ROUTES, ...ACTIVITY_ROUTES, ...EVENT_STREAM_ROUTES, ...TRAIL_ROUTES];
const LIST = TRAIL.filter(({ path }) => path === PATH);
const BESIDE_LIST = TRAIL.filter(({ path }) => path !== PATH && !path.includes(":"));

const OF_SUBJECTS: readonly Route[] = [
  ...EXPORT_ROUTES,
  ...REPORT_ROUTES,
  ...SCHEDULE_ROUTES,
  ...TRAIL,
  ...alsoAt(TRAIL, PATH, "/api/system/audit-logs"),
  ...alsoAt(LIST, PATH, "/admin/audit/logs"),
  ...alsoAt(BESIDE_LIST, PATH, "/admin/audit"),
  ...WEB_SOCKET_ROUTES,
  ...alsoAt(WEB_SOCKET_ROUTES, "/admin/", "/api/system/"),
  ...VIEW_ROUTES,
  ...NAME_ROUTES,
  ...USAGE_ROUTES,
  ...LOGIN_ROUTES,
  ...USER_ROUTES,
  ...TOKEN_ROUTES,
  ...KEY_ROUTES,
  ...PROVIDER_ROUTES,
  ...POLICY_ROUTES,
  ...DRY_RUN_ROUTES,
  ...MODEL_ROUTE_ROUTES,
  ...MODEL_ROUTES,
  ...INGEST_ROUTES,
  ...MCP_ROUTES,
  ...JOB_ROUTES,
  ...RELOAD_ROUTES,
  ...LIMIT_ROUTES,
  ...CREDIT_ROUTES,
  ...RETENTION_ROUTES,
  ...HOLD_ROUTES,
  ...ERASURE_ROUTES,
  ...EVIDENCE_ROUTES,
  ...HEALTH_ROUTES,
];

export const ROUTES: readonly Route[] = [...OF_SUBJECTS, ...docsRoutes(() => OF_SUBJECTS)];
