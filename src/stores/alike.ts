// Fields that say what sort of request it was. They are bound to each other, public, and without values that a client can
// make up at will but for `model`: few sets of their values are in use, so that a store may keep each set once, and
// whoever writes many events down may write each set once.
import type { FieldName } from "../event/fields.ts";

export const ALIKE_FIELDS: ReadonlySet<string> = new Set<FieldName>([
  "schema_version",
  "kind",
  "action",
  "caller",
  "profile",
  "name",
  "method",
  "endpoint",
  "entity_type",
  "model",
  "upstream_model",
  "backend_type",
  "provider",
  "provider_id",
  "route",
  "route_id",
  "streaming",
  "finish_reason",
  "status",
  "status_code",
  "error_code",
  "error_type",
  "policy_decision",
  "tokens_estimated",
  "quota_violation",
]);
