// What holds for a kind of event unless the configuration says otherwise.
import type { Kind, Mode } from "./fields.ts";

/** Who came in and who changed what is not done unless it is recorded. */
export const DEFAULT_MODES = {
  inference: "open",
  mcp: "open",
  file: "open",
  exec: "open",
  auth: "strict",
  quota: "open",
  api: "open",
  admin: "strict",
  system: "open",
} as const satisfies Record<Kind, Mode>;

/** Days that events are kept. */
export const DEFAULT_DAYS = {
  inference: 30,
  mcp: 90,
  file: 30,
  exec: 30,
  auth: 365,
  quota: 30,
  api: 30,
  admin: 365,
  system: 365,
} as const satisfies Record<Kind, number>;
